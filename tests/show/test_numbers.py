"""Figures keep one width, whatever their size."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mentalft.records import Interval
from mentalft.show.numbers import plain, probability, signed, spread


@given(st.floats(-99999, 99999))
def test_no_figure_is_wider_than_its_column(value: float) -> None:
    assert len(signed(value)) <= 7
    assert len(plain(abs(value))) <= 6


def test_examples() -> None:
    assert (plain(0.01234), plain(12.345678), plain(123.4567), plain(9.99996)) == (
        "0.0123",
        "12.346",
        "123.46",
        "10.000",
    )
    assert spread(Interval(-12.3, 0.25)) == "-12.300 … +0.250"
    assert (probability(0.0004), probability(0.0468)) == ("<0.001", "0.047")
