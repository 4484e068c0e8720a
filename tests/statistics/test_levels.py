"""Quantiles are values that occur."""

from __future__ import annotations

from mentalft.statistics import quantiles


def test_levels_are_values_and_nothing_has_none() -> None:
    found = quantiles([3, 1, 2])
    assert (found["0.5"], found["1"]) == (2, 3)
    assert quantiles([]) == {}
