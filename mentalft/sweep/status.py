"""What is known of each trial of a sweep: ``SWEEP_DIR/NUMBER/status.json``, written as things happen.

A trial holds a lock of the operating system as long as it runs, and loses it however it ends; so a trial that says it
is running, and whose lock is free, was killed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from mentalft.files import read_json, write_json

FILE = "status.json"
FOLDER = ".sweep"
RUNNING, DONE, FAILED = "running", "done", "failed"
KILLED = "ended without a word: killed (on Linux most often because main memory ran out) or interrupted"
INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Status:
    """One trial."""

    job: int
    """The name of its directory."""
    overrides: list[str]
    """What is this trial's own: the values of the keys that the sweep varies."""
    fixed: list[str]
    """The overrides that all trials share."""
    state: str
    """``running``, ``done`` or ``failed``."""
    error: str | None
    objective: float | None
    objective_name: str
    direction: str
    """``minimize`` or ``maximize``: what a good objective is."""
    started: str
    """Local time, ISO 8601."""
    ended: str | None
    seconds: float | None
    """Of the attempt that ended last."""
    command: list[str]
    """Runs this trial by itself."""
    choices: dict[str, str]
    """The option of each config group."""

    @property
    def key(self) -> tuple[str, ...]:
        """What makes it this trial: all that it was asked, in any order."""
        return tuple(sorted((*self.overrides, *self.fixed)))

    @property
    def for_sweeper(self) -> float | None:
        """The objective with the sign that makes smaller better, which is what sweepers are told to look for."""
        if self.objective is None:
            return None
        return -self.objective if self.direction == "maximize" else self.objective

    def ended_as(self, state: str, *, objective: float | None = None, error: str | None = None) -> Status:
        now = datetime.now().astimezone()
        seconds = (now - datetime.fromisoformat(self.started)).total_seconds()
        return replace(
            self, state=state, objective=objective, error=error, ended=as_text(now), seconds=round(seconds, 2)
        )


def as_text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def write_status(sweep_dir: Path, status: Status) -> None:
    write_json(sweep_dir / str(status.job) / FILE, asdict(status))


def read_status(folder: Path) -> Status | None:
    """What ``folder`` holds of a trial; None where there is nothing, or nothing that can be read."""
    try:
        found = read_json(folder / FILE)
        return Status(**{field.name: found[field.name] for field in fields(Status)})
    except (OSError, json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
        return None


def statuses(sweep_dir: Path) -> list[Status]:
    """Every trial of the sweep, by number."""
    found = (read_status(path.parent) for path in sweep_dir.glob(f"*/{FILE}"))
    return sorted((s for s in found if s is not None), key=lambda s: s.job)


@contextmanager
def sweep_locked(sweep_dir: Path) -> Iterator[None]:
    """While the block runs no other trial of this sweep is given a directory."""
    (sweep_dir / FOLDER).mkdir(parents=True, exist_ok=True)
    with FileLock(sweep_dir / FOLDER / "sweep.lock"):
        yield


def trial_lock(sweep_dir: Path, number: int) -> FileLock:
    return FileLock(sweep_dir / FOLDER / f"{number}.lock")


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


def bury_the_dead(sweep_dir: Path, patience: float = 0) -> None:
    """Trials that were killed are marked as failed.

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
        except Timeout:
            continue
