"""Curves: one line a logged step, none twice, with what each step cost."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from mentalft.files import json_line, read_jsonl
from mentalft.training import log as training_log
from mentalft.training.log import TrainingLog, follow


def at(step: int, first: bool = True) -> SimpleNamespace:
    return SimpleNamespace(global_step=step, max_steps=10, is_world_process_zero=first)


def test_losses_are_written_and_sent_with_what_they_cost(tmp_path: Path) -> None:
    sent: list[dict[str, float]] = []
    log = TrainingLog(tmp_path / "training.jsonl", sent.append, tokens_of_step=lambda step: 100 + step)
    log.on_train_begin(None, at(0), None)
    log.on_step_end(None, at(1), None)
    log.on_step_end(None, at(2), None)
    log.on_log(None, at(2), None, {"loss": 3.0, "learning_rate": 0.1, "grad_norm": float("nan"), "unknown": 1.0})
    log.on_log(None, at(2), None, {"eval_loss": 4.0, "epoch": 0.1})
    log.on_log(None, at(2), None, {"train_runtime": 1.0})
    log.on_train_end(None, at(2), None)
    train, validation = read_jsonl(tmp_path / "training.jsonl")
    assert sent == [train, validation]
    assert validation == {"train/step": 2, "validation/loss": 4.0}
    assert train.pop("train/tokens_per_second") > 0
    assert train.pop("train/memory_bytes") > 1 << 20
    assert train == {"train/step": 2, "train/loss": 3.0, "train/learning_rate": 0.1, "train/tokens_seen": 201}
    assert log.first_validation_loss == 4.0


def test_validation_and_saving_are_not_on_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    log = TrainingLog(tmp_path / "training.jsonl", lambda row: None, tokens_of_step=lambda step: 100)
    log.on_train_begin(None, at(0), None)
    for step, event in ((1, log.on_evaluate), (2, log.on_save)):
        now[0] += 2.0
        log.on_step_end(None, at(step), None)
        now[0] += 50.0
        event(None, at(step), None)
    log.on_log(None, at(2), None, {"loss": 1.0})
    assert next(read_jsonl(tmp_path / "training.jsonl"))["train/tokens_per_second"] == 50.0


def test_going_on_from_a_checkpoint_drops_what_came_after_it(tmp_path: Path) -> None:
    path = tmp_path / "training.jsonl"
    for start, steps in ((0, (1, 2, 3)), (2, (3, 4))):
        log = TrainingLog(path, lambda row: None, tokens_of_step=lambda step: 10)
        log.on_train_begin(None, at(start), None)
        for step in steps:
            log.on_step_end(None, at(step), None)
            log.on_log(None, at(step), None, {"loss": float(step)})
        log.on_train_end(None, at(steps[-1]), None)
        with path.open("a") as handle:
            handle.write('{"train/step": 9')  # half a line, as a kill leaves it
    rows = [json.loads(line) for line in path.read_text().splitlines()[:-1]]
    assert [(row["train/step"], row["train/tokens_seen"]) for row in rows] == [(1, 10), (2, 20), (3, 30), (4, 40)]


def test_only_the_first_process_writes(tmp_path: Path) -> None:
    sent: list[dict[str, float]] = []
    log = TrainingLog(tmp_path / "training.jsonl", sent.append, tokens_of_step=lambda step: 10)
    log.on_train_begin(None, at(0, first=False), None)
    log.on_log(None, at(1, first=False), None, {"loss": 1.0})
    assert not (tmp_path / "training.jsonl").exists()
    assert not sent


def test_rows_of_another_process_are_followed_once_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_log, "FOLLOW_SECONDS", 0.01)
    path, sent = tmp_path / "training.jsonl", []
    path.write_text(json_line({"train/step": 1}))
    with follow(path, sent.append), path.open("a") as handle:
        for step in (2, 3):
            handle.write(json_line({"train/step": step}))
        handle.write('{"train/st')
    assert [row["train/step"] for row in sent] == [2, 3]
