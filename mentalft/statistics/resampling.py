"""Drawing dialogues with replacement, and swapping the answers of two contenders, on sums.

Whatever a score is made of is added up over items, so that a resample is a row of counts and all resamples of all
metrics are one matrix product.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BLOCK = 4_000_000
"""Draws held at a time (32 MB of counts)."""


class Swapped(NamedTuple):
    baseline: Floats
    contender: Floats


def resampled_sums(columns: Floats, clusters: Sequence[str], *, resamples: int, seed: int) -> Floats:
    """Sums of each column over bootstrap resamples of whole clusters: (resamples, columns).

    As many clusters as there are are drawn with replacement (Efron and Tibshirani 1993, ch. 13; Field and Welsh 2007,
    doi 10.1111/j.1467-9868.2007.00593.x). Every column shares the draws, so that differences between columns are
    paired.

    Args:
        columns: (items, columns).
        clusters: (items,) the dialogue of each item.

    Raises:
        ValueError: the lengths differ, or there are fewer than two clusters.
    """
    sums = cluster_sums(columns, clusters)  # (clusters, columns)
    count = len(sums)
    rng = np.random.default_rng(seed)
    found = np.empty((resamples, sums.shape[1]))
    for start, rows in _blocks(resamples, count):
        drawn = rng.integers(count, size=(rows, count))
        drawn += np.arange(rows)[:, None] * count  # a range of numbers for each row, so that one count serves all
        counts = np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count)
        found[start : start + rows] = counts.astype(np.float64) @ sums
    return found


def swapped_sums(baseline: Floats, contender: Floats, clusters: Sequence[str], *, resamples: int, seed: int) -> Swapped:
    """Sums of both, (resamples, columns) each, after swapping the two in each cluster with chance one half.

    If there is nothing between the two, a dialogue's two answers could as well have come the other way round: the null
    hypothesis of the paired permutation test (Good 2005, ch. 3), with dialogues as the units that are exchanged.

    Args:
        baseline: (items, columns).
        contender: (items, columns).
        clusters: (items,) the dialogue of each item.

    Raises:
        ValueError: the shapes differ, or there are fewer than two clusters.
    """
    if baseline.shape != contender.shape:
        raise ValueError(f"baseline is {baseline.shape} and contender is {contender.shape}; they must have one shape")
    difference = cluster_sums(contender - baseline, clusters)  # (clusters, columns)
    count = len(difference)
    rng = np.random.default_rng(seed)
    moved = np.empty((resamples, difference.shape[1]))
    for start, rows in _blocks(resamples, count):
        bits = rng.integers(256, size=(rows, -(-count // 8)), dtype=np.uint8)
        moved[start : start + rows] = np.unpackbits(bits, axis=1, count=count).astype(np.float64) @ difference
    return Swapped(baseline.sum(axis=0) + moved, contender.sum(axis=0) - moved)


def cluster_sums(columns: Floats, clusters: Sequence[str]) -> Floats:
    """Sums of each column by cluster, in the order of the clusters' names: (clusters, columns)."""
    if len(columns) != len(clusters):
        raise ValueError(f"{len(columns)} rows and {len(clusters)} cluster names; there must be one a row")
    names, member = np.unique(np.asarray(clusters), return_inverse=True)
    if len(names) < 2:
        raise ValueError("resampling needs at least two clusters")
    order = np.argsort(member, kind="stable")
    starts = np.searchsorted(member[order], np.arange(len(names)))
    return np.asarray(np.add.reduceat(columns[order].astype(np.float64), starts, axis=0))


def _blocks(resamples: int, clusters: int) -> list[tuple[int, int]]:
    """(first row, rows) of each block."""
    rows = max(1, BLOCK // clusters)
    return [(start, min(rows, resamples - start)) for start in range(0, resamples, rows)]
