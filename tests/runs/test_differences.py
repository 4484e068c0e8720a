"""Two readings of the same figures: rounding is none, everything else is named where it is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentalft.runs.differences import differences, row_differences
from mentalft.words import told

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-2, 2) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_a_value_does_not_differ_from_itself(value: Any) -> None:
    assert list(differences(value, value)) == []


@pytest.mark.parametrize(
    ("then", "now", "words"),
    [
        ({"a": {"b": 0.5}}, {"a": {"b": 0.6}}, ["a.b is 0.5, recomputed 0.6"]),
        ({"a": 1.0}, {"a": 1.0 + 1e-12}, []),
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": True}, {"a": 1}, ["a is true, recomputed 1"]),
        ({"a": 1}, {}, ["a is 1, recomputed not there"]),
        ({}, {"a": None}, ["a is not there, recomputed null"]),
        ([1, 2], [1, 3], ["[1] is 2, recomputed 3"]),
        ([1], [1, 2], [" is [1], recomputed [1, 2]"]),
        ({"a": "x" * 99}, {"a": ""}, [f'a is "{"x" * 59}…, recomputed ""']),
    ],
)
def test_what_differs_is_named(then: Any, now: Any, words: list[str]) -> None:
    assert [told(d.in_words()) for d in differences(then, now)] == words


def test_rows_that_differ_alike_are_one_sentence() -> None:
    then = [{"id": str(n), "scores": {"rouge1": [0.1, 1.0]}} for n in range(4)]
    now = [{"id": str(n), "scores": {"rouge1": [0.2 if n > 1 else 0.1, 1.0]}} for n in range(4)]
    assert list(map(told, row_differences(then, now))) == [
        "scores.rouge1 of 2 of 4 items (first: 2: scores.rouge1[0] is 0.1, recomputed 0.2)"
    ]


def test_rows_that_are_missing_or_too_many_are_named() -> None:
    found = list(map(told, row_differences([{"id": "a"}, {"id": "b"}], [{"id": "b"}, {"id": "c"}])))
    assert found == ["1 items are not there (first: c)", "1 items were not asked (first: a)"]
