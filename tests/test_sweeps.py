"""Sweeps through the real entry point: what fails is recorded, what is done is kept, engines of others carry them."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from mentalft.cli.main import run
from mentalft.errors import ConfigError
from mentalft.files import read_json, read_jsonl
from mentalft.runs.sweep_files import DONE, FAILED, Status, statuses
from mentalft.sweep.plan import check_free
from mentalft.training.checkpoints import SEAL

DATA_ONLY = ["stages=[prepare]", "tracking=none"]
TRAIN_ONLY = ["stages=[prepare,train]", "tracking=none"]
SWEEP = Path("sweep")


def sweep(monkeypatch: pytest.MonkeyPatch, *overrides: str, to: Path = SWEEP) -> int:
    arguments = ["-m", *overrides, f"sweep_dir={to}"]
    monkeypatch.setattr(sys, "argv", ["mentalft", *arguments])
    return run(arguments)


def found(to: Path = SWEEP) -> dict[str, Status]:
    return {" ".join(status.overrides): status for status in statuses(to)}


def test_what_failed_is_named_and_the_same_command_runs_only_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, quick_overrides: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep(monkeypatch, *quick_overrides, *TRAIN_ONLY, "lora.r=0,4,2000") == 1
    said = capsys.readouterr().err
    assert "trial 0 (lora.r=0) failed: lora.r must be at least 1" in said
    assert "trial 2 (lora.r=2000) failed: " in said
    assert "the same command with sweep_dir=sweep" in said
    first = found()
    assert {name: s.state for name, s in first.items()} == {"lora.r=0": FAILED, "lora.r=4": DONE, "lora.r=2000": FAILED}
    assert first["lora.r=4"].objective == read_json(SWEEP / "1" / "training.json")["validation_loss"]

    assert sweep(monkeypatch, *quick_overrides, *TRAIN_ONLY, "lora.r=2,4") == 0
    said = capsys.readouterr()
    assert said.out.count("already done") == 1
    assert "of 4 trials done" in said.out
    assert "the chosen one alone: mentalft " in said.out
    assert "failed" not in said.err
    second = found()
    assert second["lora.r=4"] == first["lora.r=4"]
    assert second["lora.r=2"].job == 3, "it has no other trial's directory"
    assert read_json(SWEEP / "3" / "adapter" / "adapter_config.json")["r"] == 2
    assert sorted(path.name for path in SWEEP.iterdir() if path.name.isdigit()) == ["0", "1", "2", "3"]


def test_trials_of_one_process_may_differ_in_precision_and_ask_the_base_model_once(
    monkeypatch: pytest.MonkeyPatch, quick_overrides: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    stages = ["stages=[prepare,train,evaluate]", "tracking=none"]
    assert sweep(monkeypatch, *quick_overrides, *stages, "trainer.precision=bf16,fp32", "seed=1,2") == 0
    said = capsys.readouterr().out
    assert said.count("answers from the cache") == 2, "asked once in each precision"
    assert said.count("read, mended and redacted before (from the cache)") == 3
    assert all((SWEEP / str(s.job) / ".hydra" / "config.yaml").is_file() for s in found().values())


def test_a_metric_on_the_validation_split_is_an_objective(
    monkeypatch: pytest.MonkeyPatch, quick_overrides: list[str]
) -> None:
    assert sweep(monkeypatch, *quick_overrides, *TRAIN_ONLY, "eval.objective=rouge1", "lora.r=2,4") == 0
    for status in found().values():
        run_dir = SWEEP / str(status.job)
        objective = read_json(run_dir / "objective.json")
        assert (objective["name"], objective["direction"]) == ("rouge1", "maximize")
        assert status.objective == objective["value"]
        asked = {row["id"].rpartition("#")[0] for row in read_jsonl(run_dir / "objective.jsonl")}
        assert asked <= {row["id"] for row in read_jsonl(run_dir / "data" / "validation.jsonl")}
        assert len(asked) == objective["dialogues"]


READY = {
    "seeds": {"seed=1", "seed=2", "seed=3"},
    "data_size": {"data.train_fraction=0.1", "data.train_fraction=0.3", "data.train_fraction=1.0"},
    "lora_vs_full": {
        f"lora={kind} trainer.learning_rate={rate}" for kind in ("all_linear", "full") for rate in ("0.001", "0.0001")
    },
}


@pytest.mark.parametrize("experiment", READY)
def test_ready_sweeps_run(experiment: str, monkeypatch: pytest.MonkeyPatch, quick_overrides: list[str]) -> None:
    overrides = [o for o in quick_overrides if not o.startswith(("experiment=", "trainer.max_steps"))]
    assert sweep(monkeypatch, *overrides, *TRAIN_ONLY, f"experiment={experiment}", "trainer.max_steps=2") == 0
    trials = found()
    assert set(trials) == READY[experiment]
    assert all(status.objective is not None for status in trials.values())
    tests = {(SWEEP / str(s.job) / "data" / "test.jsonl").read_bytes() for s in trials.values()}
    assert len(tests) == 1, "all are judged on the same dialogues"


def test_a_search_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch, quick_overrides: list[str]) -> None:
    overrides = [o for o in quick_overrides if not o.startswith("experiment=")]
    search = [*overrides, *TRAIN_ONLY, "experiment=sweep_lora", "hydra/launcher=basic"]
    assert sweep(monkeypatch, *search, "hydra.sweeper.n_trials=2") == 0
    first = found()
    assert len(first) == 2
    assert sweep(monkeypatch, *search, "hydra.sweeper.n_trials=3") == 0
    second = found()
    assert len(second) == 3
    assert all(second[name] == status for name, status in first.items())
    assert (SWEEP / "optimization_results.yaml").is_file()


def test_a_search_without_an_objective_says_so(
    monkeypatch: pytest.MonkeyPatch, quick_overrides: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    search = [*quick_overrides, *DATA_ONLY, "hydra/sweeper=optuna", "hydra.sweeper.n_trials=1", "lora.r=choice(2,4)"]
    assert sweep(monkeypatch, *search) == 1
    assert "train must be among stages" in capsys.readouterr().err


def start(*overrides: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "mentalft", "-m", *overrides, f"sweep_dir={SWEEP}"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def wait_for_checkpoints(process: subprocess.Popen[str], *trials: str) -> None:
    """Any one whole one of each: older ones are removed as newer ones come."""
    for trial in trials:
        while not list((SWEEP / trial).glob(f"checkpoints/checkpoint-*/{SEAL}")):
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.05)


def test_a_sweep_that_ends_before_its_first_trial_is_one_message(
    monkeypatch: pytest.MonkeyPatch, quick_overrides: list[str]
) -> None:
    monkeypatch.setenv("PATH", "")  # no srun
    process = start(*quick_overrides, *DATA_ONLY, "lora.r=2,4", "hydra/launcher=submitit_slurm")
    said = process.communicate()[1]
    assert process.returncode == 1
    assert "the sweep ended early: Could not detect" in said
    assert "Traceback" not in said
    assert not (SWEEP / "sweep.md").exists()


def test_a_killed_sweep_goes_on_with_the_trial_that_was_running(
    monkeypatch: pytest.MonkeyPatch, quick_overrides: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    command = [*quick_overrides, *TRAIN_ONLY, "trainer.max_steps=40", "lora.r=2,4"]
    process = start(*command)
    wait_for_checkpoints(process, "1")
    process.kill()
    process.communicate()
    assert [s.state for s in statuses(SWEEP)] == [DONE, "running"]
    assert sweep(monkeypatch, *command) == 0
    said = capsys.readouterr().out
    assert "trial 0 (lora.r=2): already done" in said
    assert "train: continuing from" in said
    assert [s.state for s in statuses(SWEEP)] == [DONE, DONE]


def test_ctrl_c_says_how_to_go_on(quick_overrides: list[str]) -> None:
    process = start(*quick_overrides, *TRAIN_ONLY, "trainer.max_steps=2000", "lora.r=2,4")
    wait_for_checkpoints(process, "0")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode == 130, said
    assert "to go on: the same command with sweep_dir=sweep" in said
    assert "run_dir=" not in said
    assert "Traceback" not in said
    (status,) = statuses(SWEEP)
    assert status.state == FAILED
    assert re.match(r"interrupted: train: stopped by SIGINT after step \d+, and saved$", status.error or "")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_side_by_side_trials_save_before_the_sweep_stops(number: int, code: int, quick_overrides: list[str]) -> None:
    command = [*quick_overrides, *TRAIN_ONLY, "trainer.max_steps=5000", "lora.r=2,4,8"]
    process = start(*command, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    wait_for_checkpoints(process, "0", "1")
    below = psutil.Process(process.pid).children(recursive=True)
    with pytest.raises(ConfigError, match=r"another process is running trial 0 \(lora.r=2\), trial 1"):
        check_free(SWEEP)
    process.send_signal(number)
    out, said = process.communicate()
    assert process.returncode == code, said
    assert "sweep: 0 of 3 trials done, 2 interrupted, 1 not begun" in out
    assert "Traceback" not in said
    assert "to go on: the same command with sweep_dir=sweep" in said
    assert [s.state for s in statuses(SWEEP)] == [FAILED, FAILED], "the third never began"
    assert all(
        re.match(r"interrupted: train: stopped by \w+ after step \d+, and saved$", s.error or "")
        for s in statuses(SWEEP)
    )
    _, alive = psutil.wait_procs(below)
    assert alive == []


def test_trials_end_with_a_sweep_that_is_killed(quick_overrides: list[str]) -> None:
    command = [*quick_overrides, *TRAIN_ONLY, "trainer.max_steps=5000", "lora.r=2,4,8"]
    process = start(*command, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    wait_for_checkpoints(process, "0", "1")
    below = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate()
    _, alive = psutil.wait_procs(below)
    assert alive == []
    assert [s.state for s in statuses(SWEEP)] == [FAILED, FAILED]
    check_free(SWEEP)


@pytest.mark.parametrize(
    "launcher", [["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"], ["hydra/launcher=submitit_local"]]
)
def test_trials_side_by_side_read_the_corpus_once(
    launcher: list[str], monkeypatch: pytest.MonkeyPatch, quick_overrides: list[str]
) -> None:
    assert sweep(monkeypatch, *quick_overrides, *DATA_ONLY, *launcher, "lora.r=2,0,4") == 1
    assert {name: s.state for name, s in found().items()} == {"lora.r=2": DONE, "lora.r=0": FAILED, "lora.r=4": DONE}
    logs = [(SWEEP / str(s.job) / "mentalft.log").read_text() for s in found().values() if s.state == DONE]
    assert sum("(from the cache)" in log for log in logs) == 1
