"""Resamples and swaps of whole dialogues: the right sums, the same for the same seed, the plain bootstrap for single items."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentalft.statistics import resampled_sums, resampling, swapped_sums

CLUSTERS = st.lists(st.sampled_from("abcdef"), min_size=4, max_size=20).filter(lambda names: len(set(names)) > 1)


def numbers(items: int, seed: int = 0, columns: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(items, columns))


@given(CLUSTERS, st.integers(0, 9))
@settings(deadline=None)
def test_a_resample_is_made_of_whole_dialogues(clusters: list[str], seed: int) -> None:
    marked = np.stack([np.array(clusters) == name for name in sorted(set(clusters))], axis=1).astype(float)
    drawn = resampled_sums(marked, clusters, resamples=50, seed=seed)
    times = drawn / marked.sum(axis=0)  # how often each dialogue was drawn
    assert np.array_equal(times, times.round())
    assert (times.sum(axis=1) == marked.shape[1]).all(), "as many dialogues as there are"


@given(CLUSTERS, st.integers(0, 9), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_items_changes_nothing(clusters: list[str], seed: int, random: object) -> None:
    columns = numbers(len(clusters), seed)
    order = np.random.default_rng(seed).permutation(len(clusters))
    shuffled = [clusters[i] for i in order]
    for draw in (
        lambda c, names: resampled_sums(c, names, resamples=20, seed=seed),
        lambda c, names: np.hstack(swapped_sums(c[:, :1], c[:, 1:], names, resamples=20, seed=seed)),
    ):
        assert draw(columns, clusters) == pytest.approx(draw(columns[order], shuffled))


@given(CLUSTERS, st.integers(0, 9))
@settings(deadline=None)
def test_a_swap_moves_what_one_side_loses_to_the_other(clusters: list[str], seed: int) -> None:
    base, tuned = numbers(len(clusters), seed), numbers(len(clusters), seed + 1)
    swapped = swapped_sums(base, tuned, clusters, resamples=30, seed=seed)
    assert swapped.baseline + swapped.contender == pytest.approx(np.tile((base + tuned).sum(axis=0), (30, 1)))
    sums = [[side[np.array(clusters) == name].sum() for name in sorted(set(clusters))] for side in (base, tuned)]
    reachable = {
        round(sum(sums[(bits >> i) & 1][i] for i in range(len(sums[0]))), 6) for bits in range(2 ** len(sums[0]))
    }
    assert {round(float(total), 6) for total in swapped.baseline.sum(axis=1)} <= reachable


def test_dialogues_of_one_item_are_the_plain_bootstrap() -> None:
    values = numbers(50, columns=1)
    drawn = resampled_sums(values, [f"{i:02}" for i in range(50)], resamples=4000, seed=1)[:, 0] / 50
    plain = np.random.default_rng(2).choice(values[:, 0], size=(4000, 50)).mean(axis=1)
    levels = [0.025, 0.25, 0.5, 0.75, 0.975]
    assert np.quantile(drawn, levels) == pytest.approx(np.quantile(plain, levels), abs=0.02)


def test_seeds_decide_and_columns_share_the_draws() -> None:
    columns, names = numbers(30), [str(i // 2) for i in range(30)]
    one, same, other = (resampled_sums(columns, names, resamples=40, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    twice = resampled_sums(np.hstack([columns, columns]), names, resamples=40, seed=1)
    assert twice[:, :2] == pytest.approx(twice[:, 2:])


def test_blocks_bound_the_memory_and_fill_every_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resampling, "BLOCK", 70)
    names = [str(i) for i in range(10)]
    drawn = resampled_sums(np.ones((10, 1)), names, resamples=25, seed=0)
    assert drawn.tolist() == [[10.0]] * 25
    assert swapped_sums(np.ones((10, 1)), np.ones((10, 1)), names, resamples=25, seed=0).baseline.shape == (25, 1)


def test_what_cannot_be_resampled_is_refused() -> None:
    with pytest.raises(ValueError, match="two clusters"):
        resampled_sums(np.ones((2, 1)), ["a", "a"], resamples=10, seed=0)
    with pytest.raises(ValueError, match="3 rows and 2 cluster names"):
        resampled_sums(np.ones((3, 1)), ["a", "b"], resamples=10, seed=0)
    with pytest.raises(ValueError, match="one shape"):
        swapped_sums(np.ones((2, 1)), np.ones((2, 2)), ["a", "b"], resamples=10, seed=0)
