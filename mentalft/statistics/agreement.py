"""How far raters agree, and how far a figure follows them, with intervals over dialogues.

A statistic is a function of how often each row counts, so that one draw of dialogues serves all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mentalft.records import Interval
from mentalft.statistics.inference import effective_clusters, expanded_interval, half_width, over_dialogues_and_seeds
from mentalft.statistics.resampling import Floats, cluster_sums, resampled_sums

Statistic = Callable[[Floats], Floats]
"""How often each row counts, (…, rows), in; (…) out, NaN where it has no value."""
MISSING = -1
"""In place of a category that a rater gave nothing for."""
LEAST_DEFINED = 0.9
"""Share of the resamples in which a statistic must have a value for there to be an interval."""


class Rows(NamedTuple):
    """How often each row counts."""

    once: Floats
    """(1, rows) of ones."""
    resampled: Floats
    """(resamples, rows): in resamples of whole clusters."""
    left_out: Floats
    """(clusters, rows): with each cluster left out."""


@dataclass(frozen=True)
class Estimate:
    value: float
    interval: Interval | None
    """None where there are too few clusters for one."""


def resampled_rows(clusters: Sequence[str], *, resamples: int, seed: int) -> Rows:
    """Draws for :func:`estimate`.

    Args:
        clusters: (rows,) the dialogue of each row.

    Raises:
        ValueError: there are fewer than two clusters.
    """
    each = np.eye(len(clusters))
    drawn = resampled_sums(each, clusters, resamples=resamples, seed=seed)
    return Rows(np.ones((1, len(clusters))), drawn, 1 - cluster_sums(each, clusters))


def estimate(statistic: Statistic, rows: Rows, confidence: float) -> Estimate | None:
    """A statistic with its expanded percentile interval over clusters; None where it has no value."""
    with np.errstate(divide="ignore", invalid="ignore"):
        (value,), drawn, left_out = map(statistic, rows)
    if not np.isfinite(value):
        return None
    defined, jackknife = drawn[np.isfinite(drawn)], left_out[np.isfinite(left_out)]
    if len(defined) < LEAST_DEFINED * len(drawn) or len(jackknife) < 2:
        return Estimate(float(value), None)
    return Estimate(float(value), expanded_interval(defined, effective_clusters(jackknife), confidence))


def share(
    hits: Floats, counts: Floats, clusters: Sequence[str], confidence: float, degrees: float | None = None
) -> Estimate | None:
    """A share of votes with Wilson's interval at the effective number of votes; None of no votes.

    The effective number is ``p(1-p)`` by the variance over clusters, at most the number of votes; where all votes are
    alike there is no variance to go by, and it is the number of clusters. It has the quantile of Student's t (Wilson
    1927, doi 10.1080/01621459.1927.10502953; Korn and Graubard 1998, "Confidence intervals for proportions with small
    expected number of positive counts estimated from survey data", Survey Methodology 24(2); Dean and Pagano 2015, doi
    10.1093/jssam/smv024). Unlike a bootstrap it keeps a width where every vote is the same.

    Args:
        hits: (rows,) of which half a hit is a tie.
        counts: (rows,) votes.
        clusters: (rows,) the dialogue of each row.
        degrees: of freedom, for shares that rest on few hits by their nature; None takes those that are effective.
    """
    from scipy.special import stdtrit

    votes = float(counts.sum())
    if not votes:
        return None
    p = float(hits.sum()) / votes
    seen = [name for name, count in zip(clusters, counts, strict=True) if count]
    number = len(set(seen))
    if number < 2:
        return Estimate(p, None)
    sums = cluster_sums(np.column_stack([hits, counts])[counts > 0], seen)
    residual = sums[:, 0] - p * sums[:, 1]
    variance = number / (number - 1) * float((residual**2).sum()) / votes**2
    effective = float(number) if p in (0, 1) else min(p * (1 - p) / variance, votes) if variance else votes
    degrees = effective_clusters(residual) - 1 if degrees is None else degrees
    square = float(stdtrit(degrees, 0.5 + confidence / 2)) ** 2 / effective
    middle = (p + square / 2) / (1 + square)
    reach = np.sqrt(square * (p * (1 - p) + square / 4)) / (1 + square)
    return Estimate(p, Interval(max(0.0, float(middle - reach)), min(1.0, float(middle + reach))))


def over_raters(hits: Floats, counts: Floats, rows: Rows, confidence: float) -> Interval:
    """The interval of the mean share over raters, as other raters like these and other dialogues would give it.

    Raters and dialogues are crossed as seeds and dialogues are in
    :func:`~mentalft.statistics.inference.over_dialogues_and_seeds`.

    Args:
        hits: (rows, raters), like ``counts``; every rater has votes.
    """

    def shares(weights: Floats) -> Floats:
        summed = weights @ counts
        return np.where(summed > 0, weights @ hits / np.maximum(summed, 1), hits.sum(0) / counts.sum(0))

    once, resampled, left_out = map(shares, rows)
    middle, reach = once.mean(), half_width(over_dialogues_and_seeds(once[0], resampled, left_out), confidence)
    return Interval(max(0.0, float(middle - reach)), min(1.0, float(middle + reach)))


def coincidences(given: NDArray[np.int64], categories: int) -> Floats:
    """How often two ratings of one unit fall into two categories, (units, categories, categories).

    A unit with m ratings adds m in all, and nothing where it has fewer than two (Krippendorff 2019, "Content Analysis",
    4th ed., ch. 12).

    Args:
        given: (units, raters) of category numbers from 0, or MISSING.
    """
    counts = np.stack([(given == category).sum(axis=1) for category in range(categories)], axis=1).astype(np.float64)
    each = counts.sum(axis=1)
    pairs = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(categories)
    return np.asarray(np.where(each > 1, 1 / np.maximum(each - 1, 1), 0.0)[:, None, None] * pairs)


def krippendorff_alpha(parts: Floats, *, ordinal: bool) -> Statistic:
    """Krippendorff's α from :func:`coincidences` a row; NaN where all ratings are in one category.

    The squared ordinal distance of two categories is that of their mid-ranks (Krippendorff 2011, "Computing
    Krippendorff's Alpha-Reliability"); the nominal one is 1.
    """
    categories = parts.shape[-1]

    def statistic(weights: Floats) -> Floats:
        observed = np.tensordot(weights, parts, axes=1)  # (…, categories, categories)
        totals = observed.sum(axis=-1)
        if ordinal:
            ranks = totals.cumsum(axis=-1) - totals / 2
            distance = (ranks[..., :, None] - ranks[..., None, :]) ** 2
        else:
            distance = np.broadcast_to(1 - np.eye(categories), observed.shape)
        disagreement = (observed * distance).sum(axis=(-2, -1))
        expected = (totals[..., :, None] * totals[..., None, :] * distance).sum(axis=(-2, -1))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(1 - (totals.sum(axis=-1) - 1) * disagreement / expected)

    return statistic


def cross_tables(given: NDArray[np.int64], categories: int) -> Floats:
    """Which two categories each pair of raters gave: (units, pairs, categories, categories).

    Args:
        given: (units, raters) of category numbers from 0, or MISSING.
    """
    each = np.eye(categories + 1)[given][..., :categories]  # MISSING takes the last row, which is cut
    pairs = list(combinations(range(given.shape[1]), 2))
    if not pairs:
        return np.zeros((len(given), 0, categories, categories))
    return np.stack([each[:, a, :, None] * each[:, b, None, :] for a, b in pairs], axis=1)


def cohen_kappa(tables: Floats, *, weighted: bool) -> Statistic:
    """The mean over pairs of raters of Cohen's κ, with quadratic weights where ``weighted``; NaN where no pair has one.

    Cohen 1968, doi 10.1037/h0026256.

    Args:
        tables: (rows, pairs, categories, categories).
    """
    categories = tables.shape[-1]
    places = np.arange(categories)
    cost = (places[:, None] - places) ** 2.0 if weighted else 1 - np.eye(categories)

    def statistic(weights: Floats) -> Floats:
        observed = np.tensordot(weights, tables, axes=1)  # (…, pairs, categories, categories)
        total = observed.sum(axis=(-2, -1))
        expected = observed.sum(axis=-1)[..., :, None] * observed.sum(axis=-2)[..., None, :]
        with np.errstate(divide="ignore", invalid="ignore"):
            kappa = 1 - total * (observed * cost).sum(axis=(-2, -1)) / (expected * cost).sum(axis=(-2, -1))
            defined = np.isfinite(kappa)
            return np.asarray(np.where(defined, kappa, 0).sum(axis=-1) / defined.sum(axis=-1))

    return statistic


def kendall_tau_b(x: Floats, y: Floats, groups: Sequence[str] | None = None) -> Statistic:
    """Kendall's τ-b of two figures a row, ties corrected for (Kendall 1945, doi 10.1093/biomet/33.3.239).

    NaN where one of the two is the same in every row. A row that a resample holds twice is tied with itself.

    Args:
        groups: (rows,); where given, only rows of one group are held against each other.
    """
    names = np.zeros(len(x)) if groups is None else np.asarray(groups)
    within = (names[:, None] == names).astype(np.float64)
    ours, theirs = (within * np.sign(values[:, None] - values) for values in (x, y))
    concordant, differs, others = ours * theirs, np.abs(ours), np.abs(theirs)

    def pairs(weights: Floats, of: Floats) -> Floats:
        return np.asarray(((weights @ of) * weights).sum(axis=-1))

    def statistic(weights: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(pairs(weights, concordant) / np.sqrt(pairs(weights, differs) * pairs(weights, others)))

    return statistic
