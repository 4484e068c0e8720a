"""What is known of each trial, also of one that was killed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mentalft.runs.sweep_files import (
    DONE,
    FAILED,
    RUNNING,
    read_status,
    statuses,
    write_status,
)
from mentalft.sweep.locks import mark_killed_trials_failed, sweep_locked, trial_lock
from tests.sweep.trials import status


def test_a_status_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    written = status(3, "lora.r=8", state=DONE, objective=1.5)
    write_status(tmp_path, written)
    assert read_status(tmp_path / "3") == written
    assert statuses(tmp_path) == [written]


def test_a_damaged_status_is_none(tmp_path: Path) -> None:
    (tmp_path / "0").mkdir()
    for text in ("", "{", "[]", json.dumps({"job": 1})):
        (tmp_path / "0" / "status.json").write_text(text)
        assert read_status(tmp_path / "0") is None
    assert statuses(tmp_path) == []


def test_a_trial_that_runs_without_its_lock_was_killed(tmp_path: Path) -> None:
    for number in (0, 1, 2):
        write_status(tmp_path, status(number, state=DONE if number == 2 else RUNNING))
    with sweep_locked(tmp_path):
        pass
    with trial_lock(tmp_path, 1):
        mark_killed_trials_failed(tmp_path)
    assert [s.state for s in statuses(tmp_path)] == [FAILED, RUNNING, DONE]
    assert "killed" in (statuses(tmp_path)[0].error or "")


@pytest.mark.parametrize(("direction", "told"), [("minimize", 2.0), ("maximize", -2.0)])
def test_a_sweeper_is_told_that_smaller_is_better(direction: str, told: float) -> None:
    assert status(0, objective=2.0, direction=direction).for_sweeper == told


def test_the_order_of_overrides_makes_no_other_trial() -> None:
    assert status(0, "a=1", "b=2").key == status(4, "b=2", "a=1").key
