"""One run at W&B beside one experiment: offline without a key, private by default, inside the run directory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from mentalft.config import TrackingConfig
from mentalft.errors import DataError
from mentalft.records import ItemRow, Turn
from mentalft.tracking import Tracker
from tests.tracking.reading import transaction_log
from tests.tracking.test_naming import COMPARISON

CONFIG = {
    "stages": ["prepare", "train", "evaluate", "compare"],
    "data": {"name": "sample"}, "model": {"name": "tiny"}, "lora": {"r": 8}, "trainer": {"learning_rate": 2e-5},
}  # fmt: skip
CHOICES = {"data": "sample", "model": "tiny", "lora": "qv_r8"}
ITEM = ItemRow(
    id="1", dialogue_id="d1", topic="工作", history=(Turn("user", "最近总是睡不好"),), references=("慢慢说",),
    answers={"base": "嗯", "tuned": "我在听"}, flags={}, scores={},
)  # fmt: skip


def settings(mode: str = "auto", **given: Any) -> TrackingConfig:
    values = {"tags": ["mine"], "log_text": False, "log_artifacts": [], "init_timeout": 3, "finish_timeout": 3}
    return TrackingConfig(mode=mode, project="mentalft", entity=None, name=None, **{**values, **given})  # type: ignore[arg-type]


def track(cfg: TrackingConfig, run_dir: Path, error: BaseException | None = None, pause: float = 0) -> Tracker:
    """What an experiment does with its tracker; ``pause`` is how many seconds it takes to begin."""
    tracker = Tracker(cfg, run_dir, group="2026-11-23-14-22-01")
    tracker.start(CONFIG, CHOICES)
    time.sleep(pause)
    for step, loss in ((1, 0.375), (2, 0.25), (3, 0.5)):
        tracker.log({"train/step": step, "train/loss": loss})
    tracker.log({"train/step": 3, "validation/loss": 0.75})
    tracker.comparison(COMPARISON)
    tracker.items([ITEM])
    tracker.plots(run_dir / "plots")
    tracker.artifacts()
    tracker.finish(error)
    return tracker


def make_outputs(run_dir: Path) -> None:
    """Plots, an adapter and a report, as far as the tracker cares."""
    from PIL import Image

    for name in ("plots", "adapter"):
        (run_dir / name).mkdir()
    for name in ("comparison", "topics"):
        Image.new("RGB", (4, 4)).save(run_dir / "plots" / f"{name}.png")
    (run_dir / "adapter" / "adapter_model.safetensors").write_bytes(b"weights")
    (run_dir / "report.html").write_text("<p>最近总是睡不好</p>", encoding="utf-8")


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that failed after everything was logged, with neither key nor text."""
    run_dir = tmp_path_factory.mktemp("offline")
    make_outputs(run_dir)
    track(
        settings("offline", log_artifacts=["adapter"]),
        run_dir,
        DataError('a.json: "最近总是睡不好" is no role'),
        pause=1,
    )
    return run_dir


@pytest.fixture(scope="module")
def log(offline: Path) -> list[dict[str, Any]]:
    return transaction_log(offline)


def records(log: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [record[kind] for record in log if record["type"] == kind]


def test_without_a_key_the_run_is_offline_and_inside_the_run_directory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {p for p in Path.home().rglob("*") if p.is_file()}
    track(settings(), tmp_path)
    said = capsys.readouterr()
    (folder,) = tmp_path.glob("wandb/offline-run-*")
    assert f"W&B: offline (no API key); to upload later: wandb sync {folder}" in said.out
    assert len(said.out.splitlines()) == 1
    assert not said.err
    assert not [p for p in Path.cwd().rglob("*") if p.is_file()], "nothing is written where the command was called"
    assert {p for p in Path.home().rglob("*") if p.is_file()} == before, "nor in the home folder"


@pytest.mark.parametrize(
    ("mode", "named", "folders"), [("auto", "disabled", 0), ("auto", "offline", 1), ("disabled", "offline", 0)]
)
def test_auto_does_as_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, named: str, folders: int
) -> None:
    monkeypatch.setenv("WANDB_MODE", named)
    monkeypatch.setenv("WANDB_API_KEY", "k" * 40)
    track(settings(mode), tmp_path)
    assert len(list(tmp_path.glob("wandb/offline-run-*"))) == folders
    assert (tmp_path / "wandb").exists() == bool(folders)


def test_online_that_was_asked_for_and_cannot_be_had_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tracker = Tracker(settings("online"), tmp_path)
    tracker.start(CONFIG, CHOICES)
    tracker.finish()
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("W&B: offline (tracking.mode=online cannot be had: no API key); to upload later: wandb sync")


def test_the_run_is_described_so_that_it_can_be_found(log: list[dict[str, Any]]) -> None:
    (run,) = records(log, "run")
    config = run["config"]["update"]
    assert (config["lora"], config["lora/r"], config["trainer/learning_rate"]) == ("qv_r8", 8, 2e-5)
    assert run["job_type"] == "train+evaluate"
    assert run["run_group"] == "2026-11-23-14-22-01"
    assert run["tags"] == ["mine", "sample", "tiny"]


def test_curves_have_their_own_step_and_the_summary_keeps_the_best(log: list[dict[str, Any]]) -> None:
    steps = {m.get("name") or m["glob_name"]: m.get("step_metric") for m in records(log, "metric")}
    assert steps["train/step"] is None
    assert {steps[name] for name in ("train/*", "validation/*", "train/loss", "validation/loss")} == {"train/step"}
    rows = [record["item"] for record in records(log, "history")]
    assert [row["train/loss"] for row in rows if "train/loss" in row] == [0.375, 0.25, 0.5]
    assert summary(log)["train/loss"] == {"min": 0.25, "last": 0.5}


def summary(log: list[dict[str, Any]]) -> dict[str, Any]:
    """What the summary came to."""
    values: dict[str, Any] = {}
    for record in records(log, "summary"):
        values |= record["update"]
    return values


def test_scores_plots_table_and_adapter_are_there(offline: Path, log: list[dict[str, Any]]) -> None:
    assert summary(log)["tuned/bleu"] == 0.25
    assert summary(log)["verdict/bleu"] == "better"
    table = json.loads(next(offline.rglob("media/table/comparison*.table.json")).read_text())
    assert table["data"][0][:3] == ["bleu", 0.125, 0.25]
    assert [p.name.partition("_")[0] for p in offline.rglob("media/images/plots/*.png")] == ["comparison"]
    artifact = next(a for a in records(log, "artifact") if a["name"].startswith("adapter-"))
    assert artifact["type"] == "model"
    assert "adapter_model.safetensors" in json.dumps(artifact)


def test_a_failed_run_is_closed_with_its_error(log: list[dict[str, Any]]) -> None:
    assert summary(log)["error"] == "DataError: a.json: … is no role"
    assert records(log, "exit")[0]["exit_code"] == 1


def test_no_text_and_nothing_of_the_machine_but_its_load(offline: Path, log: list[dict[str, Any]]) -> None:
    everything = json.dumps(log, ensure_ascii=False)
    for text in ("最近总是睡不好", "慢慢说", "我在听", "工作"):
        assert text not in everything
    assert not records(log, "output_raw")
    for name in (os.uname().nodename, "requirements.txt", sys.executable):
        assert f'"{name}"' not in everything
    assert not list(offline.rglob("media/table/items*"))
    measured = {name for stats in records(log, "stats") for name in stats["item"]}
    assert {"memory_percent", "proc.memory.rssMB"} <= measured, "the load of the machine is logged"


def test_with_log_text_everything_may_go(tmp_path: Path) -> None:
    make_outputs(tmp_path)
    cfg = settings("offline", log_text=True, log_artifacts=["report"])
    track(cfg, tmp_path, DataError('a.json: "最近总是睡不好" is no role'))
    log = transaction_log(tmp_path)
    assert summary(log)["error"] == 'DataError: a.json: "最近总是睡不好" is no role'
    assert "report" in [artifact["type"] for artifact in records(log, "artifact")]
    assert len(list(tmp_path.rglob("media/images/plots/*.png"))) == 2
    rows = json.loads(next(tmp_path.rglob("media/table/items*.table.json")).read_text())["data"]
    assert rows == [["1", "工作", "最近总是睡不好", "慢慢说", "嗯", "我在听"]]


def test_disabled_writes_nothing(tmp_path: Path) -> None:
    track(settings("disabled"), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_continued_run_is_the_same_run_to_wandb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        tracker = Tracker(settings("offline"), tmp_path)
        tracker.start(CONFIG, CHOICES)
        tracker.finish()
    logs = list(tmp_path.glob("wandb/offline-run-*/*.wandb"))
    assert len(logs) == 2
    assert len({log.name for log in logs}) == 1
    assert len(set(capsys.readouterr().out.splitlines())) == 2


def test_an_error_of_wandb_in_the_middle_is_one_line_and_the_run_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken:
        offline, id = True, "x"

        def __init__(self) -> None:
            self.settings = type("S", (), {"sync_dir": str(tmp_path / "wandb" / "offline-run-x")})

        def log(self, values: object) -> None:
            raise RuntimeError(f"cannot log {values}\nand more")

        def finish(self, **_: object) -> None:
            raise OSError("the service is gone")

    tracker = Tracker(settings("offline"), tmp_path)
    tracker.run = Broken()
    for step in range(3):
        tracker.log({"train/step": step})
    tracker.comparison(COMPARISON)
    tracker.finish(ValueError("x"))
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "W&B: cannot log {'train/step': 0}; the run goes on",
        f"W&B: not all was logged; to upload what was kept: wandb sync {tmp_path}/wandb/offline-run-x",
    ]


def test_a_killed_run_leaves_a_log_that_can_be_read(tmp_path: Path) -> None:
    script = """
        import os, pathlib, signal, sys, time
        from tests.tracking.test_tracker import CHOICES, CONFIG, Tracker, settings
        tracker = Tracker(settings("offline"), pathlib.Path(sys.argv[1]))
        tracker.start(CONFIG, CHOICES)
        tracker.log({"train/step": 1, "train/loss": 0.375})
        while not any(log.stat().st_size > 1000 for log in pathlib.Path(sys.argv[1]).rglob("*.wandb")):
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -9, done.stderr
    assert "wandb sync" in done.stdout
    assert records(transaction_log(tmp_path), "run")
