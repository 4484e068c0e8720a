"""Correlation and κ from sums are those of the books."""

from __future__ import annotations

import numpy as np
import pytest

from mentalft.statistics.linear import concordance, correlation, moments, value_at_equal_length

ONCE = np.ones((1, 40))


def test_they_are_those_of_reference_implementations() -> None:
    from sklearn.metrics import cohen_kappa_score

    rng = np.random.default_rng(3)
    x = rng.integers(4, size=40).astype(float)
    y = np.clip(x + rng.integers(-1, 2, size=40), 0, 3)
    parts = moments(x, y)
    assert correlation(parts)(ONCE)[0] == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert concordance(parts)(ONCE)[0] == pytest.approx(cohen_kappa_score(x, y, weights="quadratic"))
    slope, at_zero = np.polyfit(x, y, 1)
    assert value_at_equal_length(parts)(ONCE)[0] == pytest.approx(at_zero)
    assert slope


def test_what_cannot_be_told_is_nan_and_what_is_missing_counts_nowhere() -> None:
    x = np.arange(40.0)
    same = np.ones(40)
    assert np.isnan(correlation(moments(x, same))(ONCE)[0])
    assert np.isnan(concordance(moments(same, same))(ONCE)[0])
    gap = np.where(x < 10, np.nan, x)
    assert correlation(moments(gap, -x))(ONCE)[0] == pytest.approx(-1)
