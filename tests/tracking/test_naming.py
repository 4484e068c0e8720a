"""The names that users filter by at W&B."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mentalft.records import AnswerLengths, Comparison, Difference, Interval, MetricResult
from mentalft.tracking.naming import (
    comparison_summary,
    flattened,
    job_type,
    run_config,
    run_name,
    run_tags,
)
from tests.show.compared import gate

DIFFERENCE = Difference(0.125, Interval(0.1, 0.2), 2, 0, 0, 0.01, 0.02, 0.05, "better")
COMPARISON = Comparison(
    baseline="base", contenders=("base", "tuned"), items=2, dialogues=2, confidence=0.95, resamples=1000, seed=1,
    metrics=(
        MetricResult("bleu", "BLEU", "sig", True, "0–1", {"base": 0.125, "tuned": 0.25}, {"tuned": DIFFERENCE}, "primary"),
    ),
    decoding="greedy", answers={name: AnswerLengths(9.0, 1.0) for name in ("base", "tuned")},
    checks={name: {} for name in ("base", "tuned")}, gates=(gate("two problems"),),
)  # fmt: skip


def test_settings_are_flat_without_a_dot_and_choices_stand_under_their_group() -> None:
    config = {"lora": {"r": 8, "target_modules": ["q_proj"]}, "data": {"columns": {}, "path": None}, "seed": 1}
    assert run_config(config, {"lora": "qv_r8", "data": "sample"}) == {
        "lora": "qv_r8", "lora/r": 8, "lora/target_modules": ["q_proj"], "data": "sample", "data/path": None, "seed": 1,
    }  # fmt: skip
    assert flattened({"eval": {"openai": {"timeout": 1.0}}}) == {"eval/openai/timeout": 1.0}


def test_the_job_type_says_what_a_run_is_for() -> None:
    assert job_type(["prepare", "train", "evaluate", "compare"]) == "train+evaluate"
    assert job_type(["evaluate", "compare"]) == "evaluate"
    assert job_type(["compare"]) == "compare"
    assert job_type(["prepare"]) == "prepare"
    assert job_type(["prepare", "preflight"]) == "preflight"


def test_a_trial_is_called_by_its_overrides_but_not_by_a_system_message() -> None:
    run_dir = Path("multirun/2026-11-23/3")
    assert run_name("lora.r=8 seed=1", run_dir, log_text=False) == "lora.r=8 seed=1"
    assert run_name("lora.r=8 data.system_message=慢慢说", run_dir, log_text=False) == "2026-11-23/3"
    assert run_name("data.system_message=慢慢说", run_dir, log_text=True) == "data.system_message=慢慢说"
    assert run_name(None, run_dir, log_text=False) == "2026-11-23/3"


def test_tags_are_each_once_and_no_longer_than_w_and_b_takes() -> None:
    assert run_tags(["mine", "tiny"], "sample", "tiny", "") == ["mine", "tiny", "sample"]
    assert len(run_tags([], "x" * 100)[0]) == 64


def test_the_summary_holds_scores_interval_p_and_verdict() -> None:
    summary = comparison_summary(COMPARISON)
    assert summary == {
        "comparison/items": 2, "comparison/dialogues": 2, "comparison/primary": "bleu",
        "comparison/cautions": 1, "comparison/not_comparable": 0,
        "base/bleu": 0.125, "tuned/bleu": 0.25, "difference/bleu": 0.125, "difference_low/bleu": 0.1,
        "difference_high/bleu": 0.2, "p_holm/bleu": 0.02, "verdict/bleu": "better",
    }  # fmt: skip


def test_where_nothing_can_be_concluded_the_summary_says_so() -> None:
    (bleu,) = COMPARISON.metrics
    length = replace(
        bleu,
        metric="length",
        role="diagnostic",
        differences={"tuned": replace(DIFFERENCE, p_holm=None, verdict="diagnostic")},
    )
    withheld = replace(bleu, differences={"tuned": replace(DIFFERENCE, verdict="withheld")})
    summary = comparison_summary(
        replace(COMPARISON, metrics=(withheld, length), gates=(gate("all repeat", "not_comparable"),))
    )
    assert (summary["verdict/bleu"], summary["comparison/not_comparable"]) == ("not comparable", 1)
    assert summary["verdict/length"] == "diagnostic"
    assert "p_holm/length" not in summary


def test_a_third_contender_has_its_difference_under_its_own_name() -> None:
    (bleu,) = COMPARISON.metrics
    third = replace(bleu, scores={**bleu.scores, "other": 0.5}, differences={**bleu.differences, "other": DIFFERENCE})
    summary = comparison_summary(replace(COMPARISON, contenders=("base", "tuned", "other"), metrics=(third,)))
    assert (summary["other/bleu"], summary["difference/bleu/other"], summary["verdict/bleu/tuned"]) == (
        0.5, 0.125, "better"
    )  # fmt: skip
