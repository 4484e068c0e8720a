"""How sure a difference is: the paired bootstrap, clustered by dialogue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mentalft.records import Interval

BLOCK = 1000
"""Resamples drawn at a time, to bound memory."""


def paired_bootstrap(
    differences: Sequence[float], clusters: Sequence[str], *, resamples: int, confidence: float, seed: int
) -> Interval:
    """Percentile interval of the mean per-item difference.

    Whole clusters are drawn with replacement, because the turns of one dialogue are not independent
    (Efron and Tibshirani 1993, ch. 13; clusters as in Field and Welsh 2007, doi 10.1111/j.1467-9868.2007.00593.x).

    Args:
        differences: (items,) tuned minus base.
        clusters: (items,) the dialogue of each item.

    Raises:
        ValueError: there are fewer than two clusters, so nothing can be resampled.
    """
    names, member = np.unique(np.asarray(clusters), return_inverse=True)
    if len(names) < 2:
        raise ValueError("an interval needs at least two dialogues")
    sums = np.bincount(member, weights=np.asarray(differences, dtype=np.float64))  # (clusters,)
    sizes = np.bincount(member).astype(np.float64)  # (clusters,)
    rng = np.random.default_rng(seed)
    means: list[NDArray[np.float64]] = []
    for start in range(0, resamples, BLOCK):
        rows = min(BLOCK, resamples - start)
        drawn = rng.integers(len(names), size=(rows, len(names)))  # (resamples, clusters)
        means.append(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1))
    tail = (1 - confidence) / 2
    low, high = np.quantile(np.concatenate(means), [tail, 1 - tail])
    return Interval(float(low), float(high))


QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)


def quantiles(values: Any) -> dict[str, int]:
    """Quantiles of whole numbers by their level; each is one of ``values``, the highest the maximum; {} of nothing."""
    if not len(values):
        return {}
    return {f"{q:g}": int(v) for q, v in zip(QUANTILES, np.quantile(values, QUANTILES, method="lower"), strict=True)}
