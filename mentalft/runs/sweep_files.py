"""What a sweep writes beside its runs: ``status.json`` of every trial, and ``sweep_plan.json``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from mentalft.errors import DataError
from mentalft.runs.files import JsonFile
from mentalft.words import Language

RUNNING: Literal["running"] = "running"
DONE: Literal["done"] = "done"
FAILED: Literal["failed"] = "failed"
UNREADABLE: Literal["unreadable"] = "unreadable"
State = Literal["running", "done", "failed", "unreadable"]


@dataclass(frozen=True)
class Status:
    """One trial, written as it begins and as it ends."""

    job: int
    """The name of its directory."""
    overrides: list[str]
    """What is this trial's own: the values of the keys that the sweep varies."""
    fixed: list[str]
    """The overrides that all trials share."""
    state: State
    """``unreadable`` is never written: it is what a damaged file is taken for."""
    error: str | None
    objective: float | None
    objective_name: str
    direction: Literal["minimize", "maximize"]
    """What a good objective is."""
    started: Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")]
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

    def ended_as(self, state: State, *, objective: float | None = None, error: str | None = None) -> Status:
        now = datetime.now().astimezone()
        seconds = round((now - datetime.fromisoformat(self.started)).total_seconds(), 2)
        return replace(self, state=state, objective=objective, error=error, ended=as_text(now), seconds=seconds)


@dataclass(frozen=True)
class SweepPlan:
    """What the latest command asked of a sweep."""

    command: list[str]
    overrides: list[str]
    """Those with several values, or a range."""
    sweeper: str
    launcher: str
    started: str
    """When the first command began."""
    language: Language = "en"
    """Of the sweep's page and tables."""
    trials: int | list[list[str]] | None = None
    """The overrides of each trial, or how many there are to be; None where that is not known beforehand."""


STATUS: JsonFile[Status] = JsonFile("status.json", Status, "prepare")
SWEEP_PLAN: JsonFile[SweepPlan] = JsonFile("sweep_plan.json", SweepPlan, "prepare")


def read_status(run_dir: Path) -> Status | None:
    """What ``run_dir`` holds of a trial; None where there is nothing, or nothing that can be read."""
    try:
        return STATUS.load(run_dir)
    except (DataError, OSError):
        return None


def write_status(sweep_dir: Path, status: Status) -> None:
    STATUS.save(sweep_dir / str(status.job), status)


def trial_dirs(sweep_dir: Path) -> list[Path]:
    """The directories of the sweep's trials by number, also of those whose status is damaged."""
    found = (path.parent for path in sweep_dir.glob(f"*/{STATUS.name}"))
    return sorted((path for path in found if path.name.isdecimal()), key=lambda path: int(path.name))


def statuses(sweep_dir: Path) -> list[Status]:
    """Every trial of the sweep that can be read, by number."""
    return [status for path in trial_dirs(sweep_dir) if (status := read_status(path)) is not None]


def read_plan(sweep_dir: Path) -> SweepPlan | None:
    """None where there is no plan, or none that can be read."""
    try:
        return SWEEP_PLAN.load(sweep_dir)
    except (DataError, OSError):
        return None


def key_of(override: str) -> str:
    return override.lstrip("+~").partition("=")[0]


def as_text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
