"""W&B: offline without a key or a network, private by default, everything inside the run directory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from mentalft.config import TrackingConfig
from mentalft.records import Comparison, Interval, MetricComparison
from mentalft.tracking import Tracker

COMPARISON = Comparison(
    items=2, dialogues=2, confidence=0.95, resamples=1000, seed=1, decoding="greedy", responses={},
    metrics=(
        MetricComparison("bleu", "sig", 0.125, 0.25, 0.125, Interval(0.1, 0.2), 2, 0, 0, 0.01, 0.02, 0.05, "better"),
    ),
)  # fmt: skip


def settings(mode: str = "auto", timeout: int = 2) -> TrackingConfig:
    return TrackingConfig(mode, "mentalft", None, None, [], False, timeout)  # type: ignore[arg-type]


def logged(run_dir: Path) -> dict[str, Any]:
    """The offline run's transaction log, read back with wandb's own tool."""
    log = next(run_dir.rglob("*.wandb"))
    done = subprocess.run(
        [str(Path(sys.executable).with_name("wandb")), "leet", "inspect", "--json", str(log)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"wandb leet inspect does not work here: {done.stderr[:100]}")
    return {"text": done.stdout}


def track(cfg: TrackingConfig, run_dir: Path) -> None:
    tracker = Tracker(cfg, run_dir, group="sweep-1")
    tracker.start({"lora": {"r": 8}})
    tracker.log({"train/step": 1, "train/loss": 0.375})
    tracker.comparison(COMPARISON)
    tracker.finish()


def test_without_a_key_the_run_is_offline_and_inside_the_run_directory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {p for p in Path.home().rglob("*") if p.is_file()}
    track(settings(), tmp_path)
    said = capsys.readouterr().out
    assert "offline" in said
    assert "wandb sync" in said
    assert list(tmp_path.glob("wandb/offline-run-*"))
    assert not [p for p in Path.cwd().rglob("*") if p.is_file()], "nothing is written where the command was called"
    assert {p for p in Path.home().rglob("*") if p.is_file()} == before, "nor in the home folder"


def test_config_curves_scores_and_table_are_logged(tmp_path: Path) -> None:
    track(settings("offline"), tmp_path)
    text = logged(tmp_path)["text"]
    for part in ("train/loss", "0.375", "tuned/bleu", "difference/bleu", "comparison", "lora"):
        assert part in text
    table = json.loads(next(tmp_path.rglob("*.table.json")).read_text())
    assert table["data"][0][:3] == ["bleu", 0.125, 0.25]


def test_a_key_without_a_network_falls_back_within_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    track(settings(), tmp_path)
    said = capsys.readouterr().out
    assert "logging offline instead" in said
    assert list(tmp_path.glob("wandb/offline-run-*"))
    assert "a" * 40 not in "".join(p.read_text(errors="replace") for p in tmp_path.rglob("*") if p.is_file())


def test_disabled_writes_nothing(tmp_path: Path) -> None:
    track(settings("disabled"), tmp_path)
    assert not list(tmp_path.iterdir())


def test_two_runs_of_one_process_are_two(tmp_path: Path) -> None:
    for name in ("0", "1"):
        (tmp_path / name).mkdir()
        track(settings("offline"), tmp_path / name)
        assert len(list((tmp_path / name).glob("wandb/offline-run-*"))) == 1
    assert os.environ.get("WANDB_MODE") is None


def test_a_continued_run_is_the_same_run_to_wandb(tmp_path: Path) -> None:
    for _ in range(2):
        track(settings("offline"), tmp_path)
        time.sleep(1.1)  # wandb names its folder after the second
    logs = list(tmp_path.glob("wandb/offline-run-*/*.wandb"))
    assert len(logs) == 2
    assert len({log.name for log in logs}) == 1
