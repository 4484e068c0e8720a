"""Length quality falls on both sides of the reference's length."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mentalft.metrics.length import length_quality


def test_half_and_double_are_alike() -> None:
    assert length_quality(["一二", "一二三四五六七八", "一二三四", ""], [["一二三四"]] * 4) == [0.5, 0.5, 1.0, 0.0]


def test_white_space_is_not_length_and_the_nearest_reference_counts() -> None:
    assert length_quality([" 一 二 \n"], [["一二三四", "一二"]]) == [1.0]


@given(st.text(), st.text(min_size=1))
def test_stays_between_0_and_1(response: str, reference: str) -> None:
    assert 0 <= length_quality([response], [[reference]])[0] <= 1
