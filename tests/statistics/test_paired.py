"""Right or wrong, twice: published values, and what must hold of any pairs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from mentalft.statistics.paired import Pairs, beyond_chance_p, mcnemar_p, newcombe_interval, wilson_interval

COUNTS = st.integers(0, 60)


def test_newcombes_own_example() -> None:
    """Newcombe 1998, table II, method 10: 36, 12, 2, 0."""
    low, high = newcombe_interval(Pairs(36, 2, 12, 0), 0.95)
    assert (low, high) == pytest.approx((0.0569, 0.3404), abs=5e-5)


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_the_interval_holds_the_difference_and_turns_with_it(both: int, lost: int, gained: int, neither: int) -> None:
    pairs = Pairs(both, lost, gained, neither)
    if not pairs.items:
        return
    low, high = newcombe_interval(pairs, 0.95)
    assert -1 - 1e-9 <= low <= pairs.difference <= high <= 1 + 1e-9
    turned = newcombe_interval(Pairs(both, gained, lost, neither), 0.95)
    assert turned == pytest.approx((-high, -low))
    assert mcnemar_p(pairs) == mcnemar_p(Pairs(both, gained, lost, neither))


def test_mcnemar_is_the_binomial_test_of_what_differs() -> None:
    assert mcnemar_p(Pairs(5, 0, 0, 5)) == 1
    assert mcnemar_p(Pairs(90, 1, 9, 0)) == pytest.approx(2 * (1 + 10) / 2**10)


def test_wilson_as_scipy_has_it() -> None:
    for right in (0, 1, 17, 30):
        theirs = binomtest(right, 30).proportion_ci(0.9, method="wilson")
        assert wilson_interval(right, 30, 0.9) == pytest.approx((theirs.low, theirs.high))


def test_chance() -> None:
    assert beyond_chance_p(25, 100, 0.25) > 0.5
    assert beyond_chance_p(40, 100, 0.25) < 0.001
