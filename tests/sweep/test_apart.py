"""Trials side by side take nothing along when one of them is killed, and share the machine."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentalft.runs.sweep_files import DONE, FAILED, read_status
from mentalft.sweep.apart import run_apart, share
from tests.sweep.trials import trial


@given(st.integers(0, 9), st.integers(1, 6))
def test_every_place_has_something_and_no_two_share_where_there_is_enough(things: int, together: int) -> None:
    gpus = [str(n) for n in range(things)]
    shares = [share(gpus, place, together) for place in range(together)]
    if things >= together:
        assert sorted(gpu for mine in shares for gpu in mine) == gpus
    assert all(mine or not things for mine in shares)


def test_a_trial_runs_in_a_process_of_its_own(tmp_path: Path, dialogue_file: Path) -> None:
    fixed = ["stages=[prepare]", "tracking=none", "data=local", f"data.path={dialogue_file}", "cache=off"]
    assert run_apart(trial(tmp_path, 0, ["lora.r=4"], fixed), 2) is None
    status = read_status(tmp_path / "0")
    assert status is not None
    assert (status.state, status.error) == (DONE, None)
    assert (tmp_path / "0" / "data" / "train.jsonl").is_file()


def test_a_killed_trial_is_a_failed_trial(tmp_path: Path) -> None:
    outcome: list[float | None] = []
    waiting = trial(tmp_path, 0, ["lora.r=4"], ["experiment=quick", "tracking=none", "cache=off"])
    running = threading.Thread(target=lambda: outcome.append(run_apart(waiting, 2)))
    running.start()
    while not (tmp_path / "0" / "status.json").is_file():
        assert running.is_alive(), "it ended before it was killed"
        time.sleep(0.02)
    for process in psutil.Process().children():
        if "mentalft.sweep.apart" in process.cmdline():
            process.kill()
    running.join()
    assert outcome == [None]
    status = read_status(tmp_path / "0")
    assert status is not None
    assert status.state == FAILED
    assert "SIGKILL" in (status.error or "")


def test_what_the_sweep_has_already_starts_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from mentalft.runs.sweep_files import write_status
    from tests.sweep.trials import status

    asked = trial(tmp_path, 3, ["lora.r=4"], ["seed=1"])
    write_status(tmp_path, replace(status(0, "lora.r=4"), fixed=["seed=1"], state=DONE, objective=0.5))
    monkeypatch.setattr("subprocess.Popen", None)
    assert run_apart(asked, 2) == 0.5
