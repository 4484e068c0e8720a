"""Curves: one line a logged step, none twice, and no broken loss passed over."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from mentalft.errors import UserError
from mentalft.files import read_jsonl
from mentalft.reporting.training_log import TrainingLog


def at(step: int) -> SimpleNamespace:
    return SimpleNamespace(global_step=step, max_steps=10)


def test_losses_are_written_and_sent(tmp_path: Path) -> None:
    sent: list[dict[str, float]] = []
    log = TrainingLog(tmp_path / "training.jsonl", sent.append)
    log.on_train_begin(None, at(0), None)
    log.on_log(None, at(1), None, {"loss": 3.0, "learning_rate": 0.1, "grad_norm": float("nan"), "unknown": 1.0})
    log.on_log(None, at(1), None, {"eval_loss": 4.0, "epoch": 0.1})
    log.on_log(None, at(2), None, {"train_runtime": 1.0})
    log.on_train_end(None, at(2), None)
    rows = [
        {"train/step": 1, "train/loss": 3.0, "train/learning_rate": 0.1},
        {"train/step": 1, "validation/loss": 4.0},
    ]
    assert list(read_jsonl(tmp_path / "training.jsonl")) == rows == sent
    assert log.first_validation_loss == 4.0


def test_going_on_from_a_checkpoint_drops_what_came_after_it(tmp_path: Path) -> None:
    path = tmp_path / "training.jsonl"
    for start, steps in ((0, (1, 2, 3)), (2, (3, 4))):
        log = TrainingLog(path, lambda row: None)
        log.on_train_begin(None, at(start), None)
        for step in steps:
            log.on_log(None, at(step), None, {"loss": float(step)})
        log.on_train_end(None, at(steps[-1]), None)
    assert [row["train/step"] for row in read_jsonl(path)] == [1, 2, 3, 4]


@pytest.mark.parametrize("name", ["loss", "eval_loss"])
def test_a_loss_that_is_no_number_stops_the_run_and_names_the_step(name: str, tmp_path: Path) -> None:
    log = TrainingLog(tmp_path / "training.jsonl", lambda row: None)
    log.on_train_begin(None, at(0), None)
    with pytest.raises(UserError, match=r"is nan at step 5; lower trainer.learning_rate"):
        log.on_log(None, at(5), None, {name: float("nan")})
