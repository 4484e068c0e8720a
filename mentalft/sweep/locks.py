"""Who is at work on a sweep.

A trial holds a lock of the operating system as long as it runs, and loses it however it ends; so a trial that says it
is running, and whose lock is free, was killed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from platform import node

from filelock import FileLock, Timeout

from mentalft.runs.sweep_files import FAILED, RUNNING, Status, read_status, statuses, write_status

FOLDER = ".sweep"
KILLED = "ended without a word: killed (on Linux most often because main memory ran out) or interrupted"
INTERRUPTED = "interrupted"


@contextmanager
def sweep_locked(sweep_dir: Path) -> Iterator[None]:
    """While the block runs no other trial of this sweep is given a directory."""
    (sweep_dir / FOLDER).mkdir(parents=True, exist_ok=True)
    with FileLock(sweep_dir / FOLDER / "sweep.lock"):
        yield


def trial_lock(sweep_dir: Path, number: int) -> FileLock:
    return FileLock(sweep_dir / FOLDER / f"{number}.lock")


@contextmanager
def place_among(sweep_dir: Path, together: int) -> Iterator[int]:
    """A number below ``together`` that no other trial of the sweep has on this machine at the moment."""
    (sweep_dir / FOLDER).mkdir(exist_ok=True)
    for place in range(together):
        lock = FileLock(sweep_dir / FOLDER / f"place-{node()}-{place}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        try:
            yield place
        finally:
            lock.release()
        return
    yield 0  # more trials than were announced


def stop_file(sweep_dir: Path) -> Path:
    """Is there from the moment that the sweep is told to stop until it is gone on with."""
    return sweep_dir / FOLDER / "stopped"


def is_stopping(sweep_dir: Path) -> bool:
    return stop_file(sweep_dir).is_file()


def running_elsewhere(sweep_dir: Path) -> list[Status]:
    """The trials that another process is running at this moment."""
    return [s for s in statuses(sweep_dir) if s.state == RUNNING and _is_held(trial_lock(sweep_dir, s.job))]


def _is_held(lock: FileLock) -> bool:
    try:
        with lock.acquire(timeout=0):
            return False
    except Timeout:
        return True


def mark_killed_trials_failed(sweep_dir: Path, patience: float = 0) -> None:
    """Record of trials that say they are running, and are not, that they failed.

    Args:
        patience: seconds to wait for trials that are about to end.
    """
    until = time.monotonic() + patience
    for status in statuses(sweep_dir):
        if status.state != RUNNING:
            continue
        try:
            with trial_lock(sweep_dir, status.job).acquire(timeout=max(0.0, until - time.monotonic())):
                now = read_status(sweep_dir / str(status.job))
                if now is not None and now.state == RUNNING:
                    error = INTERRUPTED if is_stopping(sweep_dir) else KILLED
                    write_status(sweep_dir, replace(now, state=FAILED, error=error))  # when is not known
        except (Timeout, OSError):  # it runs; or the disk takes nothing, and it stays as it is
            continue
