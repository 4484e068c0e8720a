"""A sweep that is told to stop: its trials save first, and none begins."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import psutil

from mentalft.console import say
from mentalft.errors import Stopped
from mentalft.sweep.locks import stop_file
from mentalft.training.processes import GRACE_SECONDS
from mentalft.words import Said

MODULE = "mentalft.sweep.apart"
"""What a trial's own process runs."""


@contextmanager
def stopped_with_its_trials(sweep_dir: Path) -> Iterator[None]:
    """In the block, SIGINT and SIGTERM stop the trials that this process has started, wherever below it they run; when
    those have ended, or :data:`~mentalft.training.processes.GRACE_SECONDS` have passed, :class:`Stopped` is raised.

    The launcher would kill them at once. A second signal does not wait. Trials on other machines run on.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        stop_file(sweep_dir).parent.mkdir(parents=True, exist_ok=True)
        stop_file(sweep_dir).touch()
        _stop_trials()
        raise Stopped(f"stopped by {signal.Signals(number).name}; what is complete stays", exit_code=128 + number)

    stop_file(sweep_dir).unlink(missing_ok=True)
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop_trials() -> None:
    told: set[int] = set()
    until = time.monotonic() + GRACE_SECONDS
    while (running := _trials()) and time.monotonic() < until:
        if not told:
            say(Said("sweep.stopping"))
        for process in running:
            if process.pid not in told:
                told.add(process.pid)
                with suppress(psutil.Error):  # it has just ended
                    process.terminate()  # also after Ctrl-C: one that is only starting then ends without a traceback
        time.sleep(0.1)


def _trials() -> list[psutil.Process]:
    """The trials' processes below this one."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # one that has ended has no command line
            found += [process] if MODULE in process.cmdline() else []
    return found
