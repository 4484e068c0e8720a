"""Distinct-1 and -2 count what an answer does not say twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.util import ngrams

from mentalft.metrics.distinct import corpus_distinct, distinct
from mentalft.metrics.tokens import tokenizer
from tests.metrics.pairs import PAIRS

CHAR = tokenizer("char")


def test_hand_computed() -> None:
    """慢 慢 来: two different of three characters, two different of two pairs."""
    assert distinct(1, CHAR, ["慢慢来"], [["好"]]) == [pytest.approx(2 / 3)]
    assert distinct(2, CHAR, ["慢慢来", "好好好好", "嗯", ""], [["好"]] * 4) == [1.0, pytest.approx(1 / 3), 0.0, 0.0]


@pytest.mark.parametrize("order", [1, 2])
def test_golden_by_nltks_ngrams(order: int) -> None:
    for (response, _), found in zip(
        PAIRS, distinct(order, CHAR, [a for a, _ in PAIRS], [["好"]] * len(PAIRS)), strict=True
    ):
        expected = list(ngrams(CHAR.tokens(response), order))
        assert found == (pytest.approx(len(set(expected)) / len(expected)) if expected else 0.0)


@given(st.lists(st.text("好的嗯我", max_size=8), max_size=5))
def test_the_corpus_is_never_more_varied_than_its_parts_together(texts: list[str]) -> None:
    assert corpus_distinct(2, CHAR, texts + texts) <= corpus_distinct(2, CHAR, texts) <= 1
