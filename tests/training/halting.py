"""What launched processes do that are told to stop at a certain moment; each is a module-level function, to be sent.

A process says that it has come to the moment by a file ``here-RANK``, and goes on when it has been told to stop.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mentalft.training.processes import rank

TOLD = "*.stop"


def wait_until(condition: Callable[[], object]) -> None:
    while not condition():
        time.sleep(0.01)


def is_told() -> bool:
    """Whether the signal has come to this process: its own handler has it noted."""
    return getattr(signal.getsignal(signal.SIGTERM).__self__, "received", None) is not None  # type: ignore[union-attr]


def here(folder: Path) -> None:
    (folder / f"here-{rank()}").write_text(str(os.getpid()))


def stay(folder: Path) -> None:
    """Until a signal ends this."""
    here(folder)
    wait_until(lambda: False)


def one_stays(folder: Path) -> None:
    """The first waits in a collective for the second, which a signal ends."""
    import torch

    torch.distributed.init_process_group("gloo")
    if rank() == 0:
        here(folder)
        torch.distributed.barrier()
    else:
        stay(folder)


def writes(folder: Path) -> None:
    (folder / f"worked-{rank()}").touch()


def train_until(moment: str, folder: Path, *arguments: Any) -> Any:
    """Train, and wait at ``moment`` for the signal: ``loading``, ``step`` or ``saving``."""
    from mentalft.training import train as module
    from mentalft.training.stopping import StopOnSignal

    if moment == "loading":
        plain = module._announce

        def announce(*given: Any) -> None:
            at_moment(folder)
            plain(*given)

        module._announce = announce  # type: ignore[assignment]
    elif moment == "step":

        def before_update(self: Any, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.global_step == 1:
                at_moment(folder)

        StopOnSignal.on_pre_optimizer_step = before_update  # type: ignore[method-assign]
    elif moment == "saving" and rank() == 0:
        from mentalft.training.trainer import SupervisedTrainer

        saved = SupervisedTrainer._save_checkpoint

        def save(self: Any, *given: Any, **named: Any) -> None:
            at_moment(folder)
            saved(self, *given, **named)

        SupervisedTrainer._save_checkpoint = save
    return module._work(*arguments)


def at_moment(folder: Path) -> None:
    here(folder)
    wait_until(is_told)


def deaf(folder: Path) -> None:
    """Take no signal."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    stay(folder)
