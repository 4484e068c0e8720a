"""Nothing is lost: a killed training goes on from its last whole checkpoint and ends with the same bits."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mentalft.errors import Stopped, UserError
from mentalft.files import write_jsonl
from mentalft.training.checkpoints import SEAL, newest_whole, rotate, seal, whole
from tests.conftest import dialogue_record
from tests.training.resuming import fit, settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("splits")
    rows = [{**dialogue_record(n, exchanges=1 + n % 3), "id": f"d{n}"} for n in range(60)]
    write_jsonl(folder / "train.jsonl", rows[:50])
    write_jsonl(folder / "validation.jsonl", rows[50:])
    return folder


def test_killed_at_any_moment_the_adapter_is_the_same_to_the_bit(small_model: Path, data: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.training.resuming", str(small_model), str(data), str(tmp_path), "0", "12"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert len(found) == 13
    assert set(found.values()) == {found["whole"]}


def test_a_checkpoint_cut_short_is_not_used_and_named(
    small_model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cfg = settings(str(small_model), "trainer.save_total_limit=9")
    first = fit(cfg, data, tmp_path)
    shutil.rmtree(tmp_path / "checkpoints" / "checkpoint-12")
    for name, damage in (("checkpoint-9", b"short"), ("checkpoint-6", None)):
        path = tmp_path / "checkpoints" / name / "optimizer.pt"
        path.write_bytes(damage) if damage else path.unlink()
    assert fit(cfg, data, tmp_path) == first
    said = capsys.readouterr().out
    assert "checkpoint-9 was cut short" in said
    assert "checkpoint-6 was cut short" in said
    assert "continuing from" in said


def test_a_run_killed_after_its_last_step_does_not_train_on(small_model: Path, data: Path, tmp_path: Path) -> None:
    cfg = settings(str(small_model))
    first = fit(cfg, data, tmp_path)
    shutil.rmtree(tmp_path / "adapter")
    log = (tmp_path / "training.jsonl").read_bytes()
    assert fit(cfg, data, tmp_path) == first
    assert (tmp_path / "training.jsonl").read_bytes() == log


def test_patience_ends_the_training_and_is_kept_over_a_restart(small_model: Path, data: Path, tmp_path: Path) -> None:
    cfg = settings(
        str(small_model), "trainer.early_stopping_patience=2", "trainer.learning_rate=1", "trainer.max_steps=60"
    )
    first = fit(cfg, data, tmp_path)
    steps = [json.loads(line)["train/step"] for line in (tmp_path / "training.jsonl").read_text().splitlines()]
    assert max(steps) < 60
    assert fit(cfg, data, tmp_path) == first
    again = [json.loads(line)["train/step"] for line in (tmp_path / "training.jsonl").read_text().splitlines()]
    assert again == steps


def test_the_run_directory_may_have_moved(small_model: Path, data: Path, tmp_path: Path) -> None:
    cfg = settings(str(small_model), "trainer.save_total_limit=9")
    first = fit(cfg, data, tmp_path / "here")
    shutil.rmtree(tmp_path / "here" / "checkpoints" / "checkpoint-12")
    (tmp_path / "here").rename(tmp_path / "there")
    assert fit(cfg, data, tmp_path / "there") == first


def test_a_signal_saves_first_and_the_run_goes_on_to_the_same_end(
    small_model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import signal

    from mentalft.training.callbacks import KeepBest

    cfg = settings(str(small_model))
    first = fit(cfg, data, tmp_path / "whole")

    def interrupt(self: object, args: object, state: object, control: object, **_: object) -> None:
        if state.global_step == 4:  # type: ignore[attr-defined]
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(KeepBest, "on_step_begin", interrupt, raising=False)
    with pytest.raises(Stopped, match="stopped by SIGTERM after step 5, and saved") as stopped:
        fit(cfg, data, tmp_path / "run")
    assert stopped.value.exit_code == 143
    assert (tmp_path / "run" / "checkpoints" / "checkpoint-5" / SEAL).is_file()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    monkeypatch.undo()
    assert fit(cfg, data, tmp_path / "run") == first


def test_a_full_disk_leaves_the_older_checkpoint_usable(
    small_model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    import torch

    cfg = settings(str(small_model))
    first = fit(cfg, data, tmp_path / "whole")
    save = torch.save

    def full(value: object, path: object, *arguments: object, **options: object) -> None:
        if "checkpoint-6" in str(path):
            Path(str(path)).write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        save(value, path, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(UserError, match=r"checkpoint-6: No space left.*checkpoint-3 is kept.*run_dir="):
        fit(cfg, data, tmp_path / "run")
    assert [p.name for p in (tmp_path / "run" / "checkpoints").iterdir()] == ["checkpoint-3"]
    monkeypatch.setattr(torch, "save", save)
    assert fit(cfg, data, tmp_path / "run") == first


def test_a_seal_holds_every_file(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint-1"
    folder.mkdir()
    (folder / "a").write_text("1")
    assert whole(folder) is None
    seal(folder, examples_per_step=8)
    found = whole(folder)
    assert found is not None
    assert found["examples_per_step"] == 8
    (folder / "a").write_text("2")
    assert whole(folder) is None
    assert newest_whole(tmp_path) is None
    assert not folder.exists()


def test_old_checkpoints_go_and_the_best_stays(tmp_path: Path) -> None:
    for step in (2, 4, 6, 10):
        (tmp_path / f"checkpoint-{step}" / "inner").mkdir(parents=True)
        (tmp_path / f"checkpoint-{step}" / "inner" / "weights").write_text("w")
        seal(tmp_path / f"checkpoint-{step}")
    rotate(tmp_path, 2, str(tmp_path / "checkpoint-2"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["checkpoint-10", "checkpoint-2"]
    rotate(tmp_path, 1, None)
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint-10"]


def test_what_is_not_of_a_checkpoint_stays_when_it_goes(tmp_path: Path) -> None:
    for step in (2, 4):
        (tmp_path / f"checkpoint-{step}").mkdir()
        seal(tmp_path / f"checkpoint-{step}")
    (tmp_path / "checkpoint-2" / "notes.md").write_text("the user's")
    rotate(tmp_path, 1, None)
    assert [p.name for p in (tmp_path / "checkpoint-2").iterdir()] == ["notes.md"]
