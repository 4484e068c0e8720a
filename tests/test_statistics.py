"""The interval: right where the answer is known, wider when turns hang together, reproducible."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import bootstrap

from mentalft.statistics import paired_bootstrap


def interval(differences: list[float], clusters: list[str] | None = None, seed: int = 0) -> tuple[float, float]:
    names = clusters or [str(i) for i in range(len(differences))]
    return tuple(paired_bootstrap(differences, names, resamples=4000, confidence=0.95, seed=seed))


def test_agrees_with_scipy_where_every_item_is_its_own_dialogue() -> None:
    x = np.random.default_rng(1).normal(0.1, 1, 80)
    ours = interval(x.tolist())
    theirs = bootstrap(
        (x,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.03)


def test_turns_of_one_dialogue_do_not_count_as_independent() -> None:
    per_dialogue = np.random.default_rng(3).normal(0, 1, 20)
    turns = np.repeat(per_dialogue, 5).tolist()
    clusters = [str(i) for i in np.repeat(np.arange(20), 5)]
    low, high = interval(turns, clusters)
    naive_low, naive_high = interval(turns)
    assert high - low > 1.5 * (naive_high - naive_low)


def test_same_seed_same_interval() -> None:
    x = list(np.random.default_rng(4).normal(size=30))
    assert interval(x, seed=5) == interval(x, seed=5)
    assert interval(x, seed=5) != interval(x, seed=6)


def test_no_difference_anywhere_is_an_interval_of_zero() -> None:
    assert interval([0.0] * 10) == (0.0, 0.0)


def test_one_dialogue_has_no_interval() -> None:
    with pytest.raises(ValueError, match="two dialogues"):
        interval([0.1, 0.2], ["a", "a"])
