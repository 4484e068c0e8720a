"""Processes that train together, for real: two on this machine's CPU, over gloo."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from accelerate.utils.memory import should_reduce_batch_size
from safetensors.torch import load_file

from mentalft.errors import Stopped, UserError
from mentalft.training.processes import Meeting, launch, processes_wanted, sigterm_raised
from tests import workers
from tests.training.resuming import fit, settings
from tests.training.test_resume import data  # noqa: F401 - a fixture

EXACT = ("lora.lora_dropout=0", "trainer.save_total_limit=9")  # each process would draw a dropout of its own
TWO = ("trainer.num_processes=2", "trainer.gradient_accumulation_steps=1", *EXACT)


def curve(run_dir: Path) -> list[dict[str, float]]:
    keys = (
        "train/step",
        "train/loss",
        "validation/loss",
        "train/grad_norm",
        "train/learning_rate",
        "train/tokens_seen",
    )
    rows = [json.loads(line) for line in (run_dir / "training.jsonl").read_text().splitlines()]
    return [{key: row[key] for key in keys if key in row} for row in rows]


def same(one: Path, other: Path) -> None:
    """Losses, gradient norms and weights of two runs, but for the order of additions."""
    first, second = curve(one), curve(other)
    assert [list(row) for row in first] == [list(row) for row in second]
    for a, b in zip(first, second, strict=True):
        assert a == pytest.approx(b, rel=1e-5), a["train/step"]
    weights = [load_file(run / "adapter" / "adapter_model.safetensors") for run in (one, other)]
    assert all(torch.allclose(weights[0][name], weights[1][name], atol=1e-5) for name in weights[0])


@pytest.fixture(scope="module")
def alone(small_model: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    """Twelve steps in one process."""
    run_dir = tmp_path_factory.mktemp("alone")
    fit(settings(str(small_model), *EXACT), data, run_dir)
    return run_dir


def test_two_processes_learn_what_one_does_with_the_same_effective_batch(
    alone: Path, small_model: Path, data: Path, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    fit(settings(str(small_model), *TWO), data, tmp_path)
    same(alone, tmp_path)
    assert not list(tmp_path.glob(".stages/workers-*")), "the workers leave nothing"


def test_a_run_goes_on_with_another_number_of_processes(
    alone: Path, small_model: Path, data: Path, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    run_dir = tmp_path / "run"
    shutil.copytree(alone, run_dir)
    for step in (9, 12):
        shutil.rmtree(run_dir / "checkpoints" / f"checkpoint-{step}")
    fit(settings(str(small_model), "trainer.num_processes=2", *EXACT), data, run_dir)
    same(alone, run_dir)


def test_each_process_knows_its_place_and_the_first_one_answers(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert launch(workers.places, 2, (tmp_path,), tmp_path) == [0, 2]
    assert signal.getsignal(signal.SIGTERM) is before
    assert len({(tmp_path / name).read_text() for name in "01"}) == 2


def ask_to_end() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(10)


def test_sigterm_ends_a_stage_like_an_error_and_says_how_to_go_on(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Stopped, match="stopped by SIGTERM") as stopped, sigterm_raised():
        ask_to_end()
    assert stopped.value.exit_code == 143
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    ("work", "message"),
    [(workers.one_fails, "the second one cannot read its file"), (workers.one_is_killed, r"rank 1 .*killed.*run_dir=")],
)
def test_what_one_process_dies_of_ends_the_run_and_is_told(work: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        launch(work, 2, (tmp_path,), tmp_path)  # type: ignore[arg-type]


def test_lack_of_memory_in_one_process_is_known_as_such(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError) as failed:
        launch(workers.runs_out_of_memory, 2, (tmp_path,), tmp_path)
    assert should_reduce_batch_size(failed.value)


def test_the_number_of_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert processes_wanted(3) == 3
    assert processes_wanted("auto") == max(1, torch.cuda.device_count())
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert processes_wanted(3) == 1, "a launcher has started them"


def test_processes_that_no_known_launcher_started_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("TORCHELASTIC_USE_AGENT_STORE", raising=False)
    with pytest.raises(UserError, match="torchrun or accelerate launch"):
        Meeting()


LAUNCHERS = {
    "torchrun": ["torch.distributed.run", "--nproc_per_node", "2"],
    "accelerate launch": [
        "accelerate.commands.launch",
        "--multi_gpu",
        "--num_processes",
        "2",
        "--main_process_port",
        "0",
    ],
}


@pytest.mark.parametrize("launcher", sorted(LAUNCHERS))
def test_a_whole_experiment_under_a_launcher_writes_one_run_directory(
    launcher: str, quick_overrides: list[str], tmp_path: Path
) -> None:
    command = [sys.executable, "-m", *LAUNCHERS[launcher], "-m", "mentalft", *quick_overrides, "tracking=none"]
    if launcher == "accelerate launch":
        command = [*command, "stages=[prepare,train]"]
    env = {**os.environ, "ACCELERATE_USE_CPU": "true", "HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("validation loss") == 1
    (run_dir,) = (tmp_path / "outputs").glob("*/*")
    assert (run_dir / "adapter" / "adapter_model.safetensors").is_file()
    assert (run_dir / "comparison.md").is_file() == (launcher == "torchrun")


def test_a_sweep_under_a_launcher_is_refused_with_the_command_to_use(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from mentalft.cli.main import run

    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    assert run(["-m", "lora.r=4,8"]) == 1
    assert "trainer.num_processes=N" in capsys.readouterr().err


def test_a_model_shared_out_by_fsdp_learns_the_same(alone: Path, small_model: Path, data: Path, tmp_path: Path) -> None:  # noqa: F811
    fit(settings(str(small_model), *TWO, "+trainer.fsdp.version=2"), data, tmp_path)
    first, second = curve(alone), curve(tmp_path)
    for a, b in zip(first, second, strict=True):
        assert a == pytest.approx(b, rel=1e-4), a["train/step"]
    weights = [load_file(run / "adapter" / "adapter_model.safetensors") for run in (alone, tmp_path)]
    assert all(torch.allclose(weights[0][name], weights[1][name], atol=1e-4) for name in weights[0])


def test_a_signal_to_a_run_of_two_processes_saves_and_it_goes_on(quick_overrides: list[str], tmp_path: Path) -> None:
    overrides = [*quick_overrides, "trainer.max_steps=4000", "trainer.save_steps=4000", "trainer.eval_steps=4000"]
    overrides += ["tracking=none", "stages=[prepare,train]", "trainer.num_processes=2", "run_dir=run"]
    command = [sys.executable, "-m", "mentalft", *overrides]
    env = {**os.environ, "HOME": str(tmp_path)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=env) as process:
        log = tmp_path / "run" / "training.jsonl"
        while process.poll() is None and not (log.is_file() and log.read_text().count("train/loss") > 3):
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        said = process.communicate()[1]
    assert process.returncode == 143, said
    assert "stopped by SIGTERM after step" in said
    assert "Traceback" not in said
    (checkpoint,) = (tmp_path / "run" / "checkpoints").glob("checkpoint-*")
    assert (checkpoint / "complete.json").is_file()
