"""What a trial left is read whatever state it is in."""

from __future__ import annotations

from pathlib import Path

import pytest

from mentalft.errors import DataError
from mentalft.show.sweep.trials import read_trials
from mentalft.words import told
from tests.show.sweep.fabricated import make_plan, make_trial


def test_a_finished_trial_with_what_it_cost(tmp_path: Path) -> None:
    make_trial(tmp_path, 0, "lora.r=8", "+data.columns.question='问题, 一'", objective=2.5, seconds=100)
    (trial,) = read_trials(tmp_path)
    assert (trial.status.state, trial.status.objective, trial.base_objective) == ("done", 2.5, 6.5)
    assert trial.values == {"lora.r": "8", "data.columns.question": "问题, 一"}
    assert (trial.seconds, trial.training_seconds) == (100, 60)
    assert (trial.parameters, trial.memory_bytes, trial.train_dialogues) == (8 * 64 + 8, 1.5 * 2**30, 200)
    assert trial.adapter_bytes is not None
    assert trial.parameters is not None
    assert trial.adapter_bytes > 4 * trial.parameters
    assert trial.comparison is not None
    assert trial.has_report


def test_trials_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in (10, 9):
        make_trial(tmp_path, number)
    assert [trial.name for trial in read_trials(tmp_path)] == ["9", "10"]


def test_a_folder_of_sweeps_is_none_and_names_them(tmp_path: Path) -> None:
    for sweep in ("10-00-00", "11-00-00"):
        make_plan(tmp_path / sweep, "lora.r=1,2")
        make_trial(tmp_path / sweep, 0)
    make_trial(tmp_path / "before-there-were-plans", 0)
    with pytest.raises(DataError, match=r"is no sweep; give one of those in it: .*10-00-00, .*11-00-00, .*before"):
        read_trials(tmp_path)
    assert [trial.name for trial in read_trials(tmp_path / "before-there-were-plans")] == ["0"]


@pytest.mark.parametrize(
    "text", ["", '{"state": "do', "[]", '{"state": "odd", "overrides": []}', '{"state": "done"}', "\x00"]
)
def test_a_status_that_is_cut_short_is_a_trial_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    (make_trial(tmp_path, 0) / "status.json").write_text(text)
    (trial,) = read_trials(tmp_path)
    assert trial.status.state == "unreadable"
    assert trial.problem is not None
    assert "status.json" in told(trial.problem)


def test_a_failed_or_running_trial_has_nothing_yet(tmp_path: Path) -> None:
    make_trial(tmp_path, 0, state="failed", error="out of memory\nat step 3", objective=None)
    make_trial(tmp_path, 1, state="running", objective=None)
    failed, running = read_trials(tmp_path)
    assert failed.problem == "out of memory at step 3"
    assert (running.status.state, running.status.objective, running.comparison, running.seconds) == (
        "running",
        None,
        None,
        None,
    )


def test_damaged_results_do_not_hide_the_trial(tmp_path: Path) -> None:
    run_dir = make_trial(tmp_path, 0, objective=2.0)
    (run_dir / "comparison.json").write_text("{")
    (run_dir / "training.jsonl").write_text('{"train/step": 0, "validation/loss": 6.0}\n{"train/st')
    (run_dir / "adapter" / "adapter_model.safetensors").write_bytes(b"\x09\x00")
    (trial,) = read_trials(tmp_path)
    assert (trial.status.objective, trial.base_objective, trial.comparison, trial.parameters) == (2.0, 6.0, None, None)
    assert trial.problem is not None
    assert "comparison.json" in told(trial.problem)


def test_an_objective_that_is_no_number_is_no_status_of_ours(tmp_path: Path) -> None:
    path = make_trial(tmp_path, 0, objective=3.0) / "status.json"
    path.write_text(path.read_text().replace('"objective": 3.0', '"objective": NaN'))
    (trial,) = read_trials(tmp_path)
    assert trial.status.state == "unreadable"
