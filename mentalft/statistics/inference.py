"""From resampled differences to an interval, a p-value and a word."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mentalft.records import BETTER, UNDECIDED, WORSE, Interval, Verdict
from mentalft.statistics.resampling import Floats

FEW_DIALOGUES = 20
"""Below about this many clusters no interval keeps its promise (Cameron, Gelbach and Miller 2008, "Bootstrap-based
improvements for inference with clustered errors", Review of Economics and Statistics 90(3))."""

POWER = 0.8
LEAST_SEEDS = 3
"""Fewest runs from which it is told how much further training seeds would change."""
LEAST_P = 1e-9
ROUNDING = 1e-12
"""Relative size below which a difference is an error of floating point."""


def difference_of(baseline: Floats, contender: Floats) -> Floats:
    """``contender - baseline``; exactly 0 where the two differ by rounding alone."""
    difference = contender - baseline
    size = np.maximum(np.abs(baseline), np.abs(contender))
    return np.asarray(np.where(np.abs(difference) <= ROUNDING * size, 0.0, difference))


def expanded_interval(resampled: Floats, clusters: float, confidence: float) -> Interval:
    """Percentile interval, widened as Student's t is wider than the normal.

    The percentile interval of n observations is too narrow by about ``sqrt((n-1)/n)`` and by the ratio of normal to t
    quantiles; so the percentiles taken are those that a normal distribution has at ``sqrt(n/(n-1)) t`` (Hesterberg
    2015, "What Teachers Should Know About the Bootstrap", doi 10.1080/00031305.2015.1089789: the expanded percentile
    interval). Its coverage by number, size and skew of clusters is in ``benchmarks/RESULTS.md``.

    Args:
        resampled: (resamples,) the statistic.
        clusters: how many clusters it rests on: :func:`effective_clusters`.
    """
    from scipy.special import stdtrit

    degrees = max(clusters, 2.0) - 1
    reach = float(stdtrit(degrees, 0.5 + confidence / 2)) * np.sqrt((degrees + 1) / degrees)
    tail = NormalDist().cdf(-reach)
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return Interval(float(low), float(high))


def effective_clusters(left_out: Floats) -> float:
    """How many equal clusters would show their own scatter as well as these do: at most their number.

    An interval is as good as the variance under it, and where a few large or unusual dialogues carry most of that
    variance, it is less well known than n says. With κ the kurtosis of the clusters' influences, the variance of n
    clusters varies as if there were ``2n / (κ - 1)`` degrees of freedom (Satterthwaite 1946, doi 10.2307/3002019;
    Carter, Schnepel and Steigerwald 2017, doi 10.1162/REST_a_00639, on unequal clusters).

    Args:
        left_out: (clusters,) the statistic with each of them left out (the jackknife), from which influences follow.
    """
    count, influence = len(left_out), left_out - left_out.mean()
    squares = float((influence**2).sum())
    if squares == 0:
        return float(count)
    kurtosis = count * float((influence**4).sum()) / squares**2
    return float(min(count, 2 * count / max(kurtosis - 1, 1e-9)))


class Source(NamedTuple):
    """Something that an estimate would come out otherwise by: dialogues, or seeds."""

    variance: float
    """Of the estimate."""
    degrees: float
    """Of freedom, in that variance."""


def over_dialogues(resampled: Floats, left_out: Floats) -> Source:
    """What the mean over runs scatters by, the runs being as they are: the bootstrap's variance times ``n/(n-1)``.

    For the arguments see :func:`over_dialogues_and_seeds`.
    """
    clusters = len(left_out)
    variance = float(np.var(resampled.mean(axis=1))) * clusters / (clusters - 1)
    return Source(variance, max(effective_clusters(left_out.mean(axis=1)), 2.0) - 1)


def over_dialogues_and_seeds(of_runs: Floats, resampled: Floats, left_out: Floats) -> tuple[Source, Source]:
    """What the mean over runs scatters by: other dialogues would be asked, and other seeds would be trained with.

    Runs and dialogues are crossed: every run answers every dialogue. The scatter of runs holds a part that is the
    dialogues' (a seed is lucky with some of them), which their own variance holds already; it is estimated from the
    residuals of both, and taken off (Cameron, Gelbach and Miller 2011, doi 10.1198/jbes.2010.07136).

    Args:
        of_runs: (runs,) the statistic in each run.
        resampled: (resamples, runs) the same in resamples of dialogues.
        left_out: (clusters, runs) the same with each dialogue left out.
    """
    clusters, runs = left_out.shape
    influence = left_out - left_out.mean(axis=0)
    residual = influence - influence.mean(axis=1, keepdims=True)
    shared = (clusters - 1) / clusters * float((residual**2).sum()) / (runs * (runs - 1))
    seeds = max(0.0, float(np.var(of_runs, ddof=1)) / runs - shared)
    return over_dialogues(resampled, left_out), Source(seeds, runs - 1)


def half_width(sources: Sequence[Source], confidence: float) -> float:
    """``sqrt(Σ t² · variance)``, with each source's own quantile t: half an interval.

    For normal estimates with independent variances it holds at least ``confidence``, however few degrees of freedom one
    of them has (Banerjee 1961, "On confidence interval for two-means problem based on separate estimates of variances
    and tabulated values of t-table", Sankhyā A 23(4)). With three seeds, one t with pooled degrees of freedom and
    resampling both (Owen 2007, doi 10.1214/07-AOAS122) hold less: ``benchmarks/RESULTS.md``.
    """
    from scipy.special import stdtrit

    squares = [float(stdtrit(s.degrees, 0.5 + confidence / 2)) ** 2 * s.variance for s in sources]
    return float(np.sqrt(sum(squares)))


def p_of(difference: float, sources: Sequence[Source]) -> float:
    """1 - the confidence at which the interval begins to hold 0; at least 1e-9."""
    from scipy.optimize import brentq

    def beyond(p: float) -> float:
        return abs(difference) - half_width(sources, 1 - p)

    if beyond(LEAST_P) >= 0:
        return LEAST_P if difference else 1.0
    return float(brentq(beyond, LEAST_P, 1.0)) if difference else 1.0


def two_sided_p(observed: float, swapped: Floats) -> float:
    """Share of swaps with a difference at least as far from 0, the observed one counted as one of them.

    ``(1 + hits) / (1 + resamples)`` is never 0 and keeps the level exactly (Phipson and Smyth 2010,
    doi 10.2202/1544-6115.1585).

    Args:
        swapped: (resamples,) the difference after each swap.
    """
    reached = np.abs(swapped) >= abs(observed) * (1 - 1e-9)  # a swap of all dialogues is the same size but for rounding
    return float((1 + reached.sum()) / (1 + len(swapped)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values in the order given: the chance of any false finding among all of them stays below the level.

    Holm 1979, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6(2).
    """
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


def smallest_effect(sources: Sequence[Source], confidence: float) -> float:
    """The true difference that items like these would show four times in five: half an interval, and ``z(0.8) · SE``.

    It is of the design, not of the result: where it is larger than a difference worth having, "no evidence" says little
    (Bloom 1995, doi 10.1177/0193841X9501900504).
    """
    error = float(np.sqrt(sum(source.variance for source in sources)))
    return half_width(sources, confidence) + NormalDist().inv_cdf(POWER) * error


def verdict(interval: Interval, p_holm: float, confidence: float, *, higher_is_better: bool) -> Verdict:
    """Better or worse only where the interval excludes 0 and the corrected test agrees; otherwise undecided."""
    if p_holm >= 1 - confidence or interval.low <= 0 <= interval.high:
        return UNDECIDED
    return BETTER if (interval.low > 0) == higher_is_better else WORSE


def signs(differences: Floats, *, higher_is_better: bool) -> tuple[int, int, int]:
    """Items where the contender is better, equal and worse."""
    gains: NDArray[np.float64] = differences if higher_is_better else -differences
    return int((gains > 0).sum()), int((gains == 0).sum()), int((gains < 0).sum())
