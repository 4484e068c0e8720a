"""Agreement and correlation, held against the literature and the libraries that people know."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentalft.statistics.agreement import (
    MISSING,
    Estimate,
    cohen_kappa,
    coincidences,
    cross_tables,
    estimate,
    kendall_tau_b,
    krippendorff_alpha,
    over_raters,
    resampled_rows,
    share,
)

# Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", section C: four observers, twelve units
FOUR = np.array([
    [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
    [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
]).T - 1  # fmt: skip


def once(rows: int) -> np.ndarray:
    return np.ones((1, rows))


@pytest.mark.parametrize(("ordinal", "published"), [(False, 0.743), (True, 0.815)])
def test_alpha_is_the_published_one(ordinal: bool, published: float) -> None:
    parts = coincidences(FOUR, 5)
    assert parts.sum() == 40  # values that can be paired
    assert krippendorff_alpha(parts, ordinal=ordinal)(once(12))[0] == pytest.approx(published, abs=5e-4)


def test_alpha_of_ratings_that_are_all_alike_has_no_value() -> None:
    parts = coincidences(np.zeros((6, 3), dtype=int), 2)
    assert np.isnan(krippendorff_alpha(parts, ordinal=False)(once(6))[0])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=4, max_size=30))
def test_kappa_is_that_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    from sklearn.metrics import cohen_kappa_score

    ratings = np.array(pairs)
    if len(set(ratings.ravel())) < 2:
        return
    for weighted in (False, True):
        ours = cohen_kappa(cross_tables(ratings, 4), weighted=weighted)(once(len(pairs)))[0]
        theirs = cohen_kappa_score(*ratings.T, labels=range(4), weights="quadratic" if weighted else None)
        assert ours == pytest.approx(theirs, nan_ok=True)


def test_kappa_of_three_is_the_mean_of_the_pairs_that_have_one() -> None:
    ratings = np.array([[0, 0, MISSING], [1, 1, MISSING], [0, 1, MISSING], [1, 1, MISSING]])
    two = cohen_kappa(cross_tables(ratings[:, :2], 2), weighted=False)(once(4))[0]
    assert cohen_kappa(cross_tables(ratings, 2), weighted=False)(once(4))[0] == two == pytest.approx(0.5)
    assert np.isnan(cohen_kappa(cross_tables(ratings[:, :1], 2), weighted=False)(once(4))[0])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), min_size=3, max_size=25), st.integers(0, 9))
def test_tau_b_is_that_of_scipy_in_resamples_too(pairs: list[tuple[int, int]], seed: int) -> None:
    from scipy.stats import kendalltau

    x, y = np.array(pairs, dtype=float).T
    counts = np.random.default_rng(seed).multinomial(len(x), np.full(len(x), 1 / len(x)))
    for weights in (np.ones(len(x), dtype=int), counts):
        theirs = kendalltau(np.repeat(x, weights), np.repeat(y, weights)).statistic
        assert kendall_tau_b(x, y)(weights[None].astype(float))[0] == pytest.approx(theirs, nan_ok=True)


def test_shares_keep_a_width_where_all_votes_are_alike() -> None:
    clusters = [str(n) for n in range(20)]
    found = share(np.full(20, 3.0), np.full(20, 3.0), clusters, 0.95)
    assert found is not None
    assert found.interval is not None
    assert found.value == 1
    assert 0.7 < found.interval.low < 0.85
    assert found.interval.high == 1
    assert share(np.zeros(20), np.zeros(20), clusters, 0.95) is None
    assert share(np.ones(2), np.ones(2), ["a", "a"], 0.95) == Estimate(1, None)


def test_a_share_holds_what_it_says() -> None:
    """Dialogues of three votes each that lean together: 95 % of the intervals hold the truth."""
    rng = np.random.default_rng(5)
    held = {0.5: 0, 0.9: 0}
    for truth in held:
        for _ in range(300):
            lean = rng.beta(4 * truth, 4 * (1 - truth), size=40)
            found = share(rng.binomial(3, lean).astype(float), np.full(40, 3.0), [str(n) for n in range(40)], 0.95)
            assert found is not None
            assert found.interval is not None
            held[truth] += found.interval.low <= truth <= found.interval.high
    assert all(275 <= hits <= 297 for hits in held.values()), held


def test_other_raters_widen_an_interval_where_raters_differ() -> None:
    rng = np.random.default_rng(3)
    clusters = [str(n) for n in range(60)]
    rows = resampled_rows(clusters, resamples=500, seed=1)
    counts = np.ones((60, 3))
    alike, apart = (rng.random((60, 3)) < np.array(p) for p in ((0.6, 0.6, 0.6), (0.3, 0.6, 0.9)))
    widths = []
    for hits in (alike, apart):
        low, high = over_raters(hits.astype(float), counts, rows, 0.95)
        widths.append(high - low)
    assert widths[1] > 2 * widths[0]


def test_an_estimate_without_a_value_is_none() -> None:
    rows = resampled_rows(["a", "b", "c"], resamples=100, seed=0)
    assert estimate(kendall_tau_b(np.ones(3), np.arange(3.0)), rows, 0.95) is None
    found = estimate(kendall_tau_b(np.arange(3.0), np.arange(3.0)), rows, 0.95)
    assert found == Estimate(1, None)  # too many of the resamples hold one row alone


def test_tau_b_within_groups_passes_over_what_lies_between_them() -> None:
    x, y = np.array([1.0, 2, 11, 12]), np.array([2.0, 1, 12, 11])
    assert kendall_tau_b(x, y)(once(4))[0] == pytest.approx(1 / 3)
    assert kendall_tau_b(x, y, ["a", "a", "b", "b"])(once(4))[0] == -1
