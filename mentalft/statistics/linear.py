"""Statistics of two figures a row, for :func:`mentalft.statistics.agreement.estimate`: all from sums over rows."""

from __future__ import annotations

import numpy as np

from mentalft.statistics.agreement import Statistic
from mentalft.statistics.length import at_equal_length, regression_parts
from mentalft.statistics.resampling import Floats


def correlation(x: Floats, y: Floats) -> Statistic:
    """Pearson's; NaN where one of the two is the same in every row."""
    parts = moments(x, y)

    def statistic(weights: Floats) -> Floats:
        n, x, y, xx, yy, xy = np.moveaxis(weights @ parts, -1, 0)
        spread = np.sqrt(np.maximum(n * xx - x * x, 0)) * np.sqrt(np.maximum(n * yy - y * y, 0))
        return np.asarray((n * xy - x * y) / np.where(spread > 1e-9 * n * n, spread, np.nan))

    return statistic


def concordance(parts: Floats) -> Statistic:
    """Cohen's κ with quadratic weights; NaN where all values are the same, so that nothing could be disagreed on.

    ``1 - mean((x - y)²) / E((x - y)²)``, the expectation being that of values that have nothing to do with each other.
    It is defined for values of any fineness, and is then the concordance correlation coefficient (Fleiss and Cohen
    1973, doi 10.1177/001316447303300309; Lin 1989, doi 10.2307/2532051).

    Args:
        parts: (rows, 6) of :func:`moments`, summed over several pairs of raters where a row has them.
    """

    def statistic(weights: Floats) -> Floats:
        n, x, y, xx, yy, xy = np.moveaxis(weights @ parts, -1, 0)
        expected = n * (xx + yy) - 2 * x * y
        return np.asarray(2 * (n * xy - x * y) / np.where(expected > 1e-9, expected, np.nan))

    return statistic


def value_at_equal_length(values: Floats, log_length_ratios: Floats) -> Statistic:
    """The mean that would be left at answers of equal length; its limits: :mod:`mentalft.statistics.length`."""
    parts = regression_parts(values, log_length_ratios)
    return lambda weights: at_equal_length(weights @ parts)


def moments(x: Floats, y: Floats) -> Floats:
    """(rows, 6) of 1, x, y, x², y², xy."""
    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=-1)
