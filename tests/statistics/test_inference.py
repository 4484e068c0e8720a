"""Intervals, p-values and verdicts: right where the answer is known, the same as scipy's where scipy has them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mentalft.records import Interval
from mentalft.statistics import resampled_sums, swapped_sums
from mentalft.statistics.inference import (
    Source,
    difference_of,
    effective_clusters,
    expanded_interval,
    half_width,
    holm,
    over_dialogues,
    over_dialogues_and_seeds,
    p_of,
    signs,
    smallest_effect,
    two_sided_p,
    verdict,
)


def test_many_dialogues_give_the_interval_of_scipy() -> None:
    x = np.random.default_rng(1).normal(0.1, 1, 400)
    means = resampled_sums(x[:, None], [str(i) for i in range(400)], resamples=8000, seed=0)[:, 0] / 400
    theirs = stats.bootstrap((x,), np.mean, n_resamples=8000, method="percentile", rng=np.random.default_rng(2))
    assert expanded_interval(means, 400, 0.95) == pytest.approx(tuple(theirs.confidence_interval), abs=0.01)


def test_few_dialogues_give_about_the_interval_of_student() -> None:
    x = np.random.default_rng(3).normal(size=12)
    means = resampled_sums(x[:, None], [str(i) for i in range(12)], resamples=20000, seed=0)[:, 0] / 12
    low, high = expanded_interval(means, 12, 0.95)
    student = stats.t.interval(0.95, 11, loc=x.mean(), scale=stats.sem(x))
    assert (low, high) == pytest.approx(student, rel=0.15)
    plain = np.quantile(means, [0.025, 0.975])
    assert high - low > 1.1 * (plain[1] - plain[0])


def test_a_few_dialogues_that_carry_the_scatter_count_as_few() -> None:
    even, one = np.tile([1.0, -1.0], 20), np.zeros(40)
    one[0] = 1.0
    assert effective_clusters(even) == 40
    assert effective_clusters(one) == pytest.approx(2, abs=0.2)
    assert effective_clusters(np.random.default_rng(0).normal(size=4000)) == pytest.approx(4000, rel=0.1)
    assert effective_clusters(np.zeros(40)) == 40


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=50), st.floats(1.5, 60))
def test_base_and_tuned_exchanged_turns_the_interval_round(values: list[float], clusters: float) -> None:
    drawn = np.array(values)
    low, high = expanded_interval(drawn, clusters, 0.95)
    assert low <= high
    assert expanded_interval(-drawn, clusters, 0.95) == pytest.approx((-high, -low), abs=1e-12)


def test_the_permutation_test_agrees_with_scipy_and_with_counting_every_swap() -> None:
    d = np.random.default_rng(4).normal(0.5, 1, 11)
    swapped = swapped_sums(np.zeros((11, 1)), d[:, None], [str(i) for i in range(11)], resamples=20000, seed=0)
    p = two_sided_p(d.sum(), (swapped.contender - swapped.baseline)[:, 0])
    theirs = stats.permutation_test((d,), np.sum, permutation_type="samples", n_resamples=np.inf)
    assert p == pytest.approx(theirs.pvalue, abs=0.01)


def test_p_is_never_zero_and_one_where_nothing_differs() -> None:
    assert two_sided_p(5.0, np.zeros(99)) == 0.01
    assert two_sided_p(0.0, np.zeros(99)) == 1.0


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.5]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_keeps_the_order_and_only_raises(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert all(p <= a <= 1 for p, a in zip(p_values, adjusted, strict=True))
    assert [a for _, a in sorted(zip(p_values, adjusted, strict=True))] == sorted(adjusted)


def test_the_smallest_effect_is_found_four_times_in_five() -> None:
    rng, n = np.random.default_rng(5), 60
    x = rng.normal(size=n)
    means = resampled_sums(x[:, None], [str(i) for i in range(n)], resamples=5000, seed=0)[:, 0] / n
    scatter = over_dialogues(means[:, None], (x.sum() - x)[:, None] / (n - 1))
    effect = smallest_effect([scatter], 0.95) / x.std(ddof=1)  # for observations of standard deviation 1
    found = [stats.ttest_1samp(rng.normal(effect, 1, n), 0).pvalue < 0.05 for _ in range(1000)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize(
    ("interval", "p", "higher", "word"),
    [
        (Interval(0.1, 0.2), 0.01, True, "better"),
        (Interval(0.1, 0.2), 0.01, False, "worse"),
        (Interval(-0.2, -0.1), 0.01, True, "worse"),
        (Interval(-0.2, -0.1), 0.01, False, "better"),
        (Interval(0.1, 0.2), 0.06, True, "undecided"),
        (Interval(-0.1, 0.2), 0.01, True, "undecided"),
        (Interval(0.0, 0.2), 0.01, True, "undecided"),
    ],
)
def test_a_verdict_needs_the_interval_and_the_test(interval: Interval, p: float, higher: bool, word: str) -> None:
    assert verdict(interval, p, 0.95, higher_is_better=higher) == word


def test_wins_are_in_the_metrics_own_direction_and_rounding_is_a_tie() -> None:
    differences = difference_of(np.array([0.3, 0.5, 0.1]), np.array([0.1 + 0.2, 0.7, 0.4]))
    assert signs(differences, higher_is_better=True) == (2, 1, 0)
    assert signs(differences, higher_is_better=False) == (0, 1, 2)


def crossed(rng: np.random.Generator, seeds: int, dialogues: int, of_seeds: float) -> np.ndarray:
    """(seeds, dialogues) differences about 0: each seed and each dialogue has a level, and each answer its own chance."""
    levels = rng.normal(0, of_seeds, (seeds, 1)) + rng.normal(size=(1, dialogues))
    return levels + rng.normal(size=(seeds, dialogues))


def sources(x: np.ndarray) -> tuple[Source, Source]:
    n = x.shape[1]
    resampled = resampled_sums(x.T, [f"{i:03}" for i in range(n)], resamples=2000, seed=0) / n
    return over_dialogues_and_seeds(x.mean(axis=1), resampled, (x.sum(axis=1) - x.T) / (n - 1))


def test_the_two_variances_are_those_of_the_analysis_of_variance() -> None:
    x = crossed(np.random.default_rng(6), 4, 50, of_seeds=1)
    residual = x - x.mean(axis=1, keepdims=True) - x.mean(axis=0) + x.mean()
    shared = (residual**2).sum() / (3 * 49) / (4 * 50)
    dialogues, seeds = sources(x)
    assert seeds.variance == pytest.approx(x.mean(axis=1).var(ddof=1) / 4 - shared)
    assert dialogues.variance == pytest.approx(x.mean(axis=0).var(ddof=1) / 50, rel=0.1)
    assert seeds.degrees == 3


@pytest.mark.parametrize("of_seeds", [0.0, 0.3])
def test_the_interval_over_dialogues_and_seeds_holds_the_truth_with_three_seeds(of_seeds: float) -> None:
    rng = np.random.default_rng(7)
    held = [abs((x := crossed(rng, 3, 40, of_seeds)).mean()) <= half_width(sources(x), 0.95) for _ in range(300)]
    assert 0.92 <= np.mean(held) <= 0.99


def test_p_over_seeds_is_where_the_interval_begins_to_hold_0() -> None:
    scatter = [Source(0.04, 30), Source(0.02, 2)]
    p = p_of(0.5, scatter)
    assert half_width(scatter, 1 - p) == pytest.approx(0.5)
    assert p_of(-0.5, scatter) == p
    assert p_of(half_width([Source(1, 8)], 0.9), [Source(1, 8)]) == pytest.approx(0.1)
    assert (p_of(0, scatter), p_of(0, [Source(0, 2)])) == (1, 1)
    assert 0 < p_of(1, [Source(0, 2)]) < 1e-6
