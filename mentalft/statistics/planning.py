"""How many dialogues it takes to see a difference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, sqrt
from statistics import NormalDist

from mentalft.statistics.inference import POWER
from mentalft.statistics.resampling import Floats, cluster_sums

MANY = 1000
"""Dialogues from which on Student's t is the normal distribution."""


def scatter_of_dialogues(
    baseline: Floats, contender: Floats, total: Callable[[Floats], Floats], clusters: Sequence[str]
) -> float:
    """The standard error of the difference times ``sqrt(clusters)``, by the jackknife (Efron and Tibshirani 1993).

    For a mean over dialogues it is the standard deviation of their differences.

    Args:
        baseline: (items, parts) what its score is added up from; ``contender`` likewise.
        total: sums (…, parts) in, score (…) out.
        clusters: (items,) the dialogue of each item.

    Raises:
        ValueError: there are fewer than two clusters.
    """
    theirs, ours = (total(parts.sum(axis=0) - cluster_sums(parts, clusters)) for parts in (contender, baseline))
    left_out = theirs - ours
    return sqrt((len(left_out) - 1) * float(((left_out - left_out.mean()) ** 2).sum()))


def dialogues_needed(difference: float, scatter: float, confidence: float) -> int:
    """Fewest dialogues of which a two-sided t-test shows a true ``difference`` four times in five.

    By the noncentral t (Cohen 1988, "Statistical Power Analysis for the Behavioral Sciences", ch. 2), from where the
    normal distribution puts it: ``((z(1-α/2) + z(0.8)) · scatter / difference)²``.

    Args:
        difference: not 0; its sign is no matter.
        scatter: of :func:`scatter_of_dialogues`.
    """
    from scipy.special import nctdtr, stdtrit

    normal, size = NormalDist(), abs(difference) / scatter if scatter else float("inf")
    least = ((normal.inv_cdf(0.5 + confidence / 2) + normal.inv_cdf(POWER)) / size) ** 2
    needed = max(2, ceil(least))
    while needed < MANY and nctdtr(
        needed - 1, size * sqrt(needed), stdtrit(needed - 1, 0.5 + confidence / 2)
    ) > 1 - POWER:  # fmt: skip
        needed += 1
    return needed
