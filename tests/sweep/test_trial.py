"""A trial is found or given a directory, run once, and recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from mentalft.runs.sweep_files import DONE, FAILED, SWEEP_PLAN, read_status, statuses
from mentalft.sweep import trial as trials
from mentalft.sweep.plan import begin
from mentalft.sweep.trial import run_trial
from tests.sweep.trials import plan, trial

FIXED = ["experiment=quick", "stages=[prepare]", "tracking=none"]


@pytest.fixture
def outcomes(monkeypatch: pytest.MonkeyPatch) -> list[float | Exception]:
    """What experiments will return or raise, in turn."""
    left: list[float | Exception] = []

    def run(*_: object, **__: object) -> float:
        outcome = left.pop(0)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    monkeypatch.setattr(trials, "run_tracked", run)
    return left


def test_a_finished_trial_is_not_run_again(tmp_path: Path, outcomes: list[float | Exception]) -> None:
    outcomes.append(1.25)
    assert run_trial(trial(tmp_path, 0, ["lora.r=4"], FIXED)) == 1.25
    assert run_trial(trial(tmp_path, 5, ["lora.r=4"], FIXED)) == 1.25
    (status,) = statuses(tmp_path)
    assert (status.state, status.overrides, status.fixed) == (DONE, ["lora.r=4"], FIXED)
    assert status.command == ["mentalft", *FIXED, "lora.r=4"]
    assert status.ended is not None
    assert (tmp_path / "0" / ".hydra" / "overrides.yaml").is_file()


def test_other_options_make_another_trial(tmp_path: Path, outcomes: list[float | Exception]) -> None:
    outcomes += [1.0, 2.0]
    run_trial(trial(tmp_path, 0, ["lora.r=4"], FIXED))
    run_trial(trial(tmp_path, 0, ["lora.r=4"], [*FIXED, "seed=7"]))
    assert [(s.job, s.objective) for s in statuses(tmp_path)] == [(0, 1.0), (1, 2.0)]


def test_a_trial_that_failed_runs_again_in_its_own_directory(tmp_path: Path, outcomes: list[float | Exception]) -> None:
    outcomes += [RuntimeError("CUDA out of memory"), 1.0, 2.0]
    assert run_trial(trial(tmp_path, 0, ["lora.r=4"], FIXED)) is None
    failed = read_status(tmp_path / "0")
    assert failed is not None
    assert failed.state == FAILED
    assert "RuntimeError: CUDA out of memory" in (failed.error or "")
    assert "Traceback" in (tmp_path / "0" / "mentalft.log").read_text()
    assert run_trial(trial(tmp_path, 0, ["lora.r=8"], FIXED)) == 1.0
    assert run_trial(trial(tmp_path, 1, ["lora.r=4"], FIXED)) == 2.0
    assert {s.job: s.overrides for s in statuses(tmp_path)} == {0: ["lora.r=4"], 1: ["lora.r=8"]}


def test_a_value_out_of_range_is_recorded_in_words(tmp_path: Path) -> None:
    assert run_trial(trial(tmp_path, 0, ["lora.r=0"], FIXED)) is None
    (status,) = statuses(tmp_path)
    assert status.error == "lora.r must be at least 1 and at most 1024, got 0"
    assert "lora.r must be at least 1" in (tmp_path / "0" / "mentalft.log").read_text()


def test_ctrl_c_ends_the_sweep_and_is_recorded(tmp_path: Path, outcomes: list[BaseException]) -> None:
    outcomes.append(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        run_trial(trial(tmp_path, 0, ["lora.r=4"], FIXED))
    assert [(s.state, s.error) for s in statuses(tmp_path)] == [(FAILED, "interrupted")]


def test_a_metric_of_which_more_is_better_is_handed_on_negated(
    tmp_path: Path, outcomes: list[float | Exception]
) -> None:
    outcomes.append(0.25)
    assert run_trial(trial(tmp_path, 0, ["lora.r=4"], [*FIXED, "eval.objective=rougeL"])) == -0.25
    (status,) = statuses(tmp_path)
    assert (status.objective, status.objective_name, status.direction) == (0.25, "rougeL", "maximize")


def test_the_tracker_run_follows_from_sweep_and_overrides(tmp_path: Path, outcomes: list[float | Exception]) -> None:
    outcomes += [1.0, 1.0, 1.0]
    ids = {}
    for sweep, value in (("a", 4), ("a", 8), ("b", 4)):
        run_trial(trial(tmp_path / sweep, value, [f"lora.r={value}"], FIXED[:2]))
        ids[sweep, value] = (tmp_path / sweep / str(value) / "wandb" / "run_id").read_text()
    assert len(set(ids.values())) == 3
    (tmp_path / "a" / "4" / "wandb" / "run_id").unlink()
    outcomes.append(1.0)
    (tmp_path / "a" / "4" / "status.json").unlink()
    run_trial(trial(tmp_path / "a", 4, ["lora.r=4"], FIXED[:2]))
    assert (tmp_path / "a" / "4" / "wandb" / "run_id").read_text() == ids["a", 4]


def test_the_plan_keeps_when_the_sweep_began(tmp_path: Path) -> None:
    begin(plan("basic", "a=1,2"), tmp_path)
    began = SWEEP_PLAN.load(tmp_path).started
    begin(plan("joblib", "a=1,2,3", started="2026-11-26T08:00:00+00:00"), tmp_path)
    found = SWEEP_PLAN.load(tmp_path)
    assert (found.started, found.overrides, found.launcher) == (began, ["a=1,2,3"], "joblib")
