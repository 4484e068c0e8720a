"""Every figure of a metric, for one run and for several, for means and for scores that are no mean of items."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentalft.records import Difference, MetricResult
from mentalft.statistics import Measured, Settings, compare_all, compare_groups
from mentalft.statistics.grouping import Groups

SETTINGS = Settings(resamples=1000, confidence=0.95, seed=1)
DIALOGUES = [f"d{i // 2:02}" for i in range(80)]


def ratio(sums: np.ndarray) -> np.ndarray:
    return np.where(sums[..., 1] > 0, sums[..., 0] / np.where(sums[..., 1] > 0, sums[..., 1], 1), 0.0)


def parts(scores: np.ndarray) -> np.ndarray:
    """(items,) as (1 run, items, 2 parts)."""
    return np.stack([scores, np.ones_like(scores)], axis=-1)[None]


def measured(base: np.ndarray, tuned: np.ndarray, **options: object) -> Measured:
    return Measured("M", "sig", {"base": base, "tuned": tuned}, ratio, **options)  # type: ignore[arg-type]


def result(base: np.ndarray, tuned: np.ndarray, **options: object) -> MetricResult:
    same_length = {"tuned": np.zeros(base.shape[:2])}
    return compare_all({"m": measured(base, tuned, **options)}, "base", DIALOGUES, same_length, SETTINGS)[0]


def compared(base: np.ndarray, tuned: np.ndarray, **options: object) -> Difference:
    return result(base, tuned, **options).differences["tuned"]


def scores(seed: int, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.5 + shift, 0.1, 80)


def test_a_clear_gain_is_better_and_worse_where_lower_is_better() -> None:
    base, tuned = parts(scores(0)), parts(scores(1, 0.2))
    up, down = compared(base, tuned), compared(base, tuned, higher_is_better=False)
    assert (up.verdict, down.verdict) == ("better", "worse")
    assert (up.wins, up.losses) == (down.losses, down.wins)
    assert up.interval.low < up.difference < up.interval.high
    found = result(base, tuned).scores
    assert up.difference == pytest.approx(found["tuned"] - found["base"])
    assert up.p_value == up.p_holm == pytest.approx(1 / 1001)


def test_a_model_against_itself_is_exactly_nothing() -> None:
    same = parts(scores(0))
    found = compared(same, same)
    assert (found.difference, found.interval, found.p_value, found.ties) == (0.0, (0.0, 0.0), 1.0, 80)
    assert found.verdict == "undecided"


def test_items_that_a_metric_passes_over_neither_win_nor_tie_nor_lose() -> None:
    base, tuned = parts(np.full(80, 0.5)), parts(np.full(80, 0.6))
    base[0, :10] = tuned[0, 5:20] = 0  # as eval.empty_answers=skip leaves them
    found = compared(base, tuned)
    assert (found.wins, found.ties, found.losses) == (60, 0, 0)
    assert found.length_controlled is not None
    assert found.length_controlled.difference == pytest.approx(0.1)


@given(st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_sides_exchanged_turn_every_sign(seed: int) -> None:
    base, tuned = parts(scores(seed)), parts(scores(seed + 1, 0.03))
    there, back = compared(base, tuned), compared(tuned, base)
    assert back.difference == pytest.approx(-there.difference)
    assert back.interval == pytest.approx((-there.interval.high, -there.interval.low))
    assert (back.wins, back.p_value) == (there.losses, pytest.approx(there.p_value))
    assert back.smallest_effect == pytest.approx(there.smallest_effect)


def test_a_weighted_score_is_of_the_sums_not_of_the_items() -> None:
    weights = np.random.default_rng(2).integers(1, 50, 80).astype(float)
    base = np.stack([scores(3) * weights, weights], axis=-1)[None]
    tuned = np.stack([scores(4) * weights, weights], axis=-1)[None]
    assert result(base, tuned).scores["base"] == pytest.approx(np.average(scores(3), weights=weights))


def test_the_correction_counts_the_metrics_of_the_table() -> None:
    base, tuned = parts(scores(0)), parts(scores(1, 0.03))
    one = compared(base, tuned)
    metrics = {name: measured(base, tuned) for name in "abc"}
    found = compare_all(metrics, "base", DIALOGUES, {"tuned": np.zeros((1, 80))}, SETTINGS)
    several = [m.differences["tuned"] for m in found]
    assert [m.p_value for m in several] == [one.p_value] * 3
    assert [m.p_holm for m in several] == pytest.approx([min(1.0, 3 * one.p_value)] * 3)


def test_several_runs_are_the_mean_of_the_items_over_runs() -> None:
    base = np.concatenate([parts(scores(0)), parts(scores(1))])
    tuned = np.concatenate([parts(scores(2, 0.05)), parts(scores(3, 0.1))])
    together, averaged = compared(base, tuned), compared(base.mean(axis=0)[None], tuned.mean(axis=0)[None])
    assert together.difference == pytest.approx(averaged.difference)
    assert together.interval == pytest.approx(averaged.interval)
    assert together.p_value == averaged.p_value


def test_a_gain_that_is_only_length_is_gone_at_equal_length() -> None:
    ratios = np.random.default_rng(5).normal(0.5, 0.6, 80)
    base, tuned = parts(np.full(80, 0.5)), parts(0.5 + 0.1 * ratios)
    (one,) = compare_all({"m": measured(base, tuned)}, "base", DIALOGUES, {"tuned": ratios[None]}, SETTINGS)
    found = one.differences["tuned"]
    assert found.verdict == "better"
    assert found.length_controlled is not None
    assert found.length_controlled.difference == pytest.approx(0.0, abs=1e-12)
    assert compared(base, tuned, of_answer=False).length_controlled is None


def test_groups_hold_their_own_items_and_say_when_they_are_too_few() -> None:
    base, tuned = parts(scores(0)), parts(scores(0))
    tuned[0, :60, 0] += 0.1
    of_item = ["gain"] * 60 + ["none"] * 10 + ["other"] * 10
    groups = Groups(of_item, ["gain", "none", "other"])
    found = compare_groups({"m": measured(base, tuned)}, "base", DIALOGUES, groups, SETTINGS)["m"]["tuned"]
    assert [(g.name, g.items, g.dialogues) for g in found] == [("gain", 60, 30), ("none", 10, 5), ("other", 10, 5)]
    assert found[0].difference == pytest.approx(0.1)
    assert found[0].interval == pytest.approx((0.1, 0.1))
    assert found[1].interval is None
    assert compare_groups({}, "base", DIALOGUES, Groups(["a"] * 80, ["a"]), SETTINGS) == {}


def test_each_contender_is_held_against_the_baseline_and_all_tests_are_corrected_together() -> None:
    base, one, other = parts(scores(0)), parts(scores(1, 0.03)), parts(scores(2, 0.2))
    three = Measured("M", "sig", {"base": base, "one": one, "other": other}, ratio)
    lengths = {"one": np.zeros((1, 80)), "other": np.zeros((1, 80))}
    (found,) = compare_all({"m": three}, "base", DIALOGUES, lengths, SETTINGS)
    assert list(found.scores) == ["base", "one", "other"]
    assert list(found.differences) == ["one", "other"]
    for name, tuned in (("one", one), ("other", other)):
        alone, together = compared(base, tuned), found.differences[name]
        assert together.difference == alone.difference
        assert together.interval == pytest.approx(alone.interval)
        assert together.p_value == alone.p_value
    assert found.differences["other"].p_holm == pytest.approx(2 * compared(base, other).p_value)
    of_item = ["a"] * 40 + ["b"] * 40
    by_group = compare_groups({"m": three}, "base", DIALOGUES, Groups(of_item, ["a", "b"]), SETTINGS)["m"]
    assert [g.name for g in by_group["other"]] == ["a", "b"]
    assert by_group["other"][0].difference > by_group["one"][0].difference
