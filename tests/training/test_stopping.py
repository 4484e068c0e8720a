"""A signal at any moment of a work of two processes ends it in order, however fast or slow the machine is."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from mentalft.errors import Stopped
from mentalft.modeling.locate import locate_model
from mentalft.records import Splits
from mentalft.training import processes
from mentalft.training.processes import launch
from mentalft.training.stopping import StopOnSignal
from tests.training import halting, slow_import
from tests.training.halting import wait_until
from tests.training.resuming import settings
from tests.training.test_resume import data  # noqa: F401 - a fixture

BOTH = (0, 1)


@pytest.fixture(autouse=True)
def _no_orphans() -> Iterator[None]:
    before = set(psutil.Process().children(recursive=True))
    yield
    left = {p for p in psutil.Process().children(recursive=True) if "resource_tracker" not in "".join(p.cmdline())}
    assert left <= before


def stopped(
    work: Callable[..., Any], arguments: tuple[Any, ...], tmp_path: Path, number: int, *, here: tuple[int, ...] = BOTH,
    then: Callable[[], object] = lambda: None,
) -> Stopped:  # fmt: skip
    """What ``launch`` raises where this process gets the signal as soon as the ranks in ``here`` are at the moment;
    where there are none, ``work`` sees to it."""

    def tell() -> None:
        if here:
            wait_until(lambda: all((tmp_path / f"here-{rank}").exists() for rank in here))
            os.kill(os.getpid(), number)
        then()

    handlers = [signal.getsignal(one) for one in processes.STOPPING]
    telling = threading.Thread(target=tell)
    telling.start()
    with pytest.raises(Stopped) as raised:
        launch(work, 2, arguments, tmp_path)
    telling.join()
    assert raised.value.exit_code == 128 + number
    assert [signal.getsignal(one) for one in processes.STOPPING] == handlers
    assert not list(tmp_path.glob(".stages/workers-*")), "the workers leave nothing"
    return raised.value


@pytest.mark.parametrize("number", processes.STOPPING)
def test_before_the_processes_are_started_none_works(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = processes._launched

    def launched(*given: Any) -> Any:
        os.kill(os.getpid(), number)
        wait_until(lambda: list(tmp_path.glob(f".stages/*/{halting.TOLD}")))
        return started(*given)

    monkeypatch.setattr(processes, "_launched", launched)
    stopped(halting.stay, (tmp_path,), tmp_path, number, here=())
    assert not list(tmp_path.glob("here-*"))


@pytest.mark.parametrize("number", processes.STOPPING)
def test_while_the_processes_import_what_they_need(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLOW_IMPORT", str(tmp_path))

    def tell() -> None:
        wait_until(lambda: len(list(tmp_path.glob("importing-*"))) == len(BOTH))
        os.kill(os.getpid(), number)
        wait_until(lambda: list(tmp_path.glob(f".stages/*/{halting.TOLD}")))
        for path in tmp_path.glob("importing-*"):  # as a terminal does
            os.kill(int(path.name.removeprefix("importing-")), number)
        (tmp_path / "go").touch()

    stopped(slow_import.work, (tmp_path,), tmp_path, number, here=(), then=tell)
    assert not list(tmp_path.glob("worked-*"))


def test_where_a_process_waits_for_one_that_the_signal_has_ended(tmp_path: Path) -> None:
    said = stopped(halting.one_stays, (tmp_path,), tmp_path, signal.SIGTERM)
    assert str(said) == "stopped by SIGTERM; what is complete stays"


def training(small_model: Path, data: Path, run_dir: Path, *overrides: str) -> tuple[Any, ...]:  # noqa: F811
    cfg = settings(str(small_model), "trainer.num_processes=2", "trainer.gradient_accumulation_steps=1", *overrides)
    splits = Splits(data / "train.jsonl", data / "validation.jsonl", data / "validation.jsonl")
    return (cfg, locate_model(cfg.model), splits, run_dir, 4)


@pytest.mark.parametrize(
    ("moment", "number", "here", "step"),
    [
        ("loading", signal.SIGTERM, BOTH, 1),
        ("step", signal.SIGTERM, BOTH, 2),
        ("step", signal.SIGINT, BOTH, 2),
        ("saving", signal.SIGTERM, (0,), 4),
    ],
)
def test_in_training_a_step_is_completed_and_saved(
    moment: str, number: int, here: tuple[int, ...], step: int, small_model: Path, data: Path, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    given = (moment, tmp_path, *training(small_model, data, tmp_path))
    said = stopped(halting.train_until, given, tmp_path, number, here=here)
    assert str(said) == f"train: stopped by {signal.Signals(number).name} after step {step}, and saved"
    assert (tmp_path / "checkpoints" / f"checkpoint-{step}" / "complete.json").is_file()


def test_a_second_ctrl_c_does_not_wait(tmp_path: Path) -> None:
    def again() -> None:
        wait_until(lambda: list(tmp_path.glob(f".stages/*/{halting.TOLD}")))
        os.kill(os.getpid(), signal.SIGINT)

    stopped(halting.deaf, (tmp_path,), tmp_path, signal.SIGINT, then=again)


def test_one_process_that_gets_the_signal_takes_the_others_along(tmp_path: Path) -> None:
    def tell() -> None:
        wait_until(lambda: all((tmp_path / f"here-{rank}").exists() for rank in BOTH))
        os.kill(int((tmp_path / "here-1").read_text()), signal.SIGTERM)

    telling = threading.Thread(target=tell)
    telling.start()
    with pytest.raises(Stopped) as raised:
        launch(halting.one_stays, 2, (tmp_path,), tmp_path)
    telling.join()
    assert raised.value.exit_code == 143


class Control:
    should_save = should_training_stop = False


class Alone:
    world_size = 1


def after_the_last_step() -> None:
    with StopOnSignal() as stop:
        stop.on_step_end(Alone, None, Control())
        os.kill(os.getpid(), signal.SIGINT)
        stop.raise_if_stopped(4)
        assert stop.received == signal.SIGINT


def test_a_signal_after_the_last_step_is_not_lost() -> None:
    with pytest.raises(KeyboardInterrupt):
        after_the_last_step()


class Two:
    world_size = 2
    device = "cpu"


def test_a_signal_while_the_processes_agree_is_for_the_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def agree(asked: Any, op: Any) -> None:
        if not stop.received:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("torch.distributed.all_reduce", agree)
    control = Control()
    with StopOnSignal() as stop:
        stop.on_step_end(Two, None, control)
        assert not control.should_training_stop
        stop.raise_if_stopped(1)
        stop.on_step_end(Two, None, control)
        assert control.should_save
        assert control.should_training_stop
        with pytest.raises(Stopped, match="after step 2"):
            stop.raise_if_stopped(2)
