"""The difference at equal length: what is left of a score that only counts length, and of one that does not."""

from __future__ import annotations

import numpy as np
import pytest

from mentalft.statistics.length import at_equal_length, is_extrapolated, log_length_ratio, regression_parts

RNG = np.random.default_rng(0)
RATIOS = RNG.normal(0.4, 0.5, 300)


def at_zero(differences: np.ndarray, ratios: np.ndarray) -> float:
    return float(at_equal_length(regression_parts(differences, ratios).sum(axis=0)))


def test_it_is_the_intercept_of_a_least_squares_line() -> None:
    differences = 0.2 + 0.1 * RATIOS + RNG.normal(0, 0.1, 300)
    assert at_zero(differences, RATIOS) == pytest.approx(np.polyfit(RATIOS, differences, 1)[1])


def test_a_difference_that_is_all_length_is_none_at_equal_length() -> None:
    assert at_zero(0.3 * RATIOS, RATIOS) == pytest.approx(0.0, abs=1e-12)


def test_equal_ratios_leave_the_mean_difference() -> None:
    for ratio in (0.0, 0.7):
        assert at_zero(np.array([0.1, 0.3]), np.array([ratio, ratio])) == pytest.approx(0.2)
    assert at_equal_length(np.zeros((2, 5))).tolist() == [0.0, 0.0]


def test_empty_answers_have_a_ratio_and_one_sided_lengths_are_told() -> None:
    assert log_length_ratio(np.array([0.0, 9.0]), np.array([0.0, 0.0])) == pytest.approx([0.0, -np.log(10)])
    assert not is_extrapolated(RATIOS)
    assert is_extrapolated(RATIOS + 3)
