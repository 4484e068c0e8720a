"""Right or wrong, twice on the same items: the test and the interval of the difference of two proportions."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

from mentalft.records import Interval


class Pairs(NamedTuple):
    """How many items were right before and after."""

    both: int
    lost: int
    """Right before and not after."""
    gained: int
    neither: int

    @property
    def items(self) -> int:
        return sum(self)

    @property
    def difference(self) -> float:
        """The share right after, less that before."""
        return (self.gained - self.lost) / self.items


def mcnemar_p(pairs: Pairs) -> float:
    """Two-sided, exact: if nothing changed, an item that differs was as likely to be gained as lost (McNemar 1947,
    doi 10.1007/BF02295996, with the binomial distribution in place of its approximation)."""
    from scipy.stats import binomtest

    differ = pairs.lost + pairs.gained
    return float(binomtest(pairs.lost, differ, 0.5).pvalue) if differ else 1.0


def newcombe_interval(pairs: Pairs, confidence: float) -> Interval:
    """Of :attr:`Pairs.difference`: Wilson's intervals of both shares put together by their correlation (Newcombe 1998,
    doi 10.1002/(SICI)1097-0258(19981130)17:22<2635::AID-SIM954>3.0.CO;2-C, method 10)."""
    both, lost, gained, neither = pairs
    n = pairs.items
    after, before = both + gained, both + lost
    low_after, high_after = wilson_interval(after, n, confidence)
    low_before, high_before = wilson_interval(before, n, confidence)
    product = float(both * neither - lost * gained)
    if product > 0:
        product = max(product - n / 2, 0.0)
    spread = sqrt(after * (n - after) * before * (n - before))
    phi = product / spread if spread else 0.0
    p_after, p_before = after / n, before / n

    def reach(of_after: float, of_before: float) -> float:
        return sqrt(max(of_after**2 - 2 * phi * of_after * of_before + of_before**2, 0.0))

    difference = pairs.difference
    return Interval(
        difference - reach(p_after - low_after, high_before - p_before),
        difference + reach(high_after - p_after, p_before - low_before),
    )


def wilson_interval(right: int, items: int, confidence: float) -> Interval:
    """Of a share (Wilson 1927, doi 10.1080/01621459.1927.10502953)."""
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    middle, reach = right + z**2 / 2, z * sqrt(right * (items - right) / items + z**2 / 4)
    return Interval(max((middle - reach) / (items + z**2), 0.0), min((middle + reach) / (items + z**2), 1.0))


def beyond_chance_p(right: int, items: int, chance: float) -> float:
    """One-sided, exact binomial: how often guessing alone gets so many right."""
    from scipy.stats import binomtest

    return float(binomtest(right, items, chance, alternative="greater").pvalue) if items else 1.0
