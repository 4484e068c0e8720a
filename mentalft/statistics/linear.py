"""Statistics of two figures a row, for :func:`mentalft.statistics.agreement.estimate`: all from sums over rows."""

from __future__ import annotations

import numpy as np

from mentalft.statistics.agreement import Statistic
from mentalft.statistics.length import at_equal_length
from mentalft.statistics.resampling import Floats


def moments(x: Floats, y: Floats) -> Floats:
    """(…, 6) of 1, x, y, x², y², xy: what the others are made from; all 0 where x or y is NaN, which counts nowhere.

    A row may hold the sum of several, such as of all pairs of raters of an item.
    """
    parts = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=-1)
    return np.where(np.isfinite(x + y)[..., None], parts, 0.0)


def correlation(parts: Floats) -> Statistic:
    """Pearson's; NaN where one of the two is the same in every row.

    Args:
        parts: (rows, 6) of :func:`moments`.
    """

    def statistic(weights: Floats) -> Floats:
        n, x, y, xx, yy, xy = np.moveaxis(weights @ parts, -1, 0)
        spread = np.sqrt(np.maximum(n * xx - x * x, 0) * np.maximum(n * yy - y * y, 0))
        return np.asarray((n * xy - x * y) / np.where(spread > 1e-9 * n * n, spread, np.nan))

    return statistic


def concordance(parts: Floats) -> Statistic:
    """Cohen's κ with quadratic weights; NaN where all values are the same, so that nothing could be disagreed on.

    ``1 - mean((x - y)²) / E((x - y)²)``, the expectation being that of values that have nothing to do with each other.
    It is defined for values of any fineness, and is then the concordance correlation coefficient (Fleiss and Cohen
    1973, doi 10.1177/001316447303300309; Lin 1989, doi 10.2307/2532051).

    Args:
        parts: (rows, 6) of :func:`moments`.
    """

    def statistic(weights: Floats) -> Floats:
        n, x, y, xx, yy, xy = np.moveaxis(weights @ parts, -1, 0)
        expected = n * (xx + yy) - 2 * x * y
        return np.asarray(2 * (n * xy - x * y) / np.where(expected > 1e-9, expected, np.nan))

    return statistic


def value_at_equal_length(parts: Floats) -> Statistic:
    """The mean of y that would be left at answers of equal length; its limits: :mod:`mentalft.statistics.length`.

    Args:
        parts: (rows, 6) of :func:`moments`, x being the log ratio of lengths.
    """
    of_line = parts[..., [0, 1, 3, 2, 5]]
    return lambda weights: at_equal_length(weights @ of_line)
