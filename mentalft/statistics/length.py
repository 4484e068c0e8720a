"""The difference that would be left if both answered at equal length.

Longer answers hold more of anything that is counted. A least-squares line of each item's difference on the log ratio
of its two answers' lengths is read off at ratio 1 (as Dubois et al. 2024, arXiv:2404.04475, do for win rates).

Its limits: the line is straight; length is not assigned at random, so what goes along with length (a model that rambles
when it does not understand) is taken out as well; and where hardly an item has answers of about equal length, the
figure is extrapolated, which is said with it. It is an aid to reading a difference, not a better difference.
"""

from __future__ import annotations

import numpy as np

from mentalft.statistics.resampling import Floats

MIDDLE = (0.1, 0.9)
"""Quantiles of the log ratio between which 0 must lie for the figure not to be extrapolated."""


def log_length_ratio(baseline: Floats, contender: Floats) -> Floats:
    """``log((contender + 1) / (baseline + 1))`` of lengths in characters: defined for empty answers as well."""
    return np.log1p(contender) - np.log1p(baseline)


def regression_parts(differences: Floats, log_ratios: Floats) -> Floats:
    """What a line is fitted from, to be added up over items: (…, items, 5) of 1, x, x², y, xy."""
    x, y = log_ratios, differences
    return np.stack([np.ones_like(x), x, x * x, y, x * y], axis=-1)


def at_equal_length(sums: Floats) -> Floats:
    """The line's value at log ratio 0, (…); the mean difference where all ratios are equal and no line is to be had.

    Args:
        sums: (…, 5) sums of :func:`regression_parts`.
    """
    n, x, xx, y, xy = np.moveaxis(sums, -1, 0)
    spread = n * xx - x * x
    line = spread > 1e-9 * n * xx
    safe, items = np.where(line, spread, 1.0), np.maximum(n, 1.0)
    return np.asarray(np.where(line, (xx * y - x * xy) / safe, y / items))


def is_extrapolated(log_ratios: Floats) -> bool:
    """Whether fewer than a tenth of the items lie on one side of equal length."""
    low, high = np.quantile(log_ratios, MIDDLE)
    return not low <= 0 <= high
