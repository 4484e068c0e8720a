"""One trial of a sweep: found or given a directory, run, recorded as it happens, and cleared away."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from mentalft.config import VALIDATION_LOSS
from mentalft.config.composition import load_config
from mentalft.config.mistakes import in_words
from mentalft.console import console, log_to, say, shown
from mentalft.errors import UserError
from mentalft.experiment import run_tracked
from mentalft.files import read_json, sha256_json, write_json, write_text
from mentalft.sweep.status import (
    DONE,
    FAILED,
    RUNNING,
    Status,
    as_text,
    read_status,
    statuses,
    sweep_locked,
    trial_lock,
    write_status,
)

log = logging.getLogger("mentalft")
PLAN = "sweep_plan.json"
OURS = ("sweep_dir", "run_dir")
"""Keys that say where, not what."""


class Trial(NamedTuple):
    """What a launcher hands over; all of it can be sent to another process."""

    sweep_dir: Path
    number: int
    """The launcher's; the directory's, unless that is taken by another trial of an earlier command."""
    overrides: tuple[str, ...]
    choices: dict[str, str]
    config: dict[str, Any]
    """Composed, not yet checked."""
    records: dict[str, str]
    """Name → text of the files in ``.hydra/``."""


def run_trial(trial: Trial, *, quiet: bool = False) -> float | None:
    """Run ``trial`` unless the sweep has it already; what its sweeper is told: the objective, smaller being better.

    Whatever goes wrong is in ``status.json`` and the trial's log, and None is returned, so that others go on. A trial
    that is running elsewhere is waited for.

    Args:
        quiet: nothing on the screen; the log has it.

    Raises:
        KeyboardInterrupt: the sweep is to end.
    """
    status = _claimed(trial)
    console.quiet = quiet
    try:
        with trial_lock(trial.sweep_dir, status.job):
            earlier = read_status(trial.sweep_dir / str(status.job))
            if earlier is not None and earlier.state == DONE:
                say(f"{in_short(earlier)}: already done{result_of(earlier)}")
                return earlier.for_sweeper
            ended = _run(trial, replace(status, started=as_text(datetime.now().astimezone())))
    finally:
        _clear_away()
        update_page(trial.sweep_dir)
    return ended.for_sweeper


def in_short(status: Status) -> str:
    return f"trial {status.job} ({' '.join(status.overrides) or 'as it is'})"


def update_page(sweep_dir: Path) -> None:
    """The sweep's tables and page; what goes wrong there is no reason to lose a trial."""
    try:
        from mentalft.show.sweep import write_sweep

        write_sweep(sweep_dir)
    except Exception:
        log.warning("sweep: the page could not be written", exc_info=True)


def earlier_attempt(trial: Trial) -> Status | None:
    """What the sweep knows of a trial with the same overrides."""
    key = _key(trial.overrides)
    return next((status for status in statuses(trial.sweep_dir) if status.key == key), None)


def _key(overrides: Iterable[str]) -> tuple[str, ...]:
    """As :attr:`~mentalft.sweep.status.Status.key`."""
    return tuple(sorted(o for o in overrides if key_of(o) not in OURS and not key_of(o).startswith("hydra")))


def _claimed(trial: Trial) -> Status:
    """The trial's place in the sweep: that of an earlier attempt with the same overrides, or one of its own."""
    own, fixed = _split(trial)
    wanted = Status(
        job=trial.number,
        overrides=own,
        fixed=fixed,
        state=RUNNING,
        error=None,
        objective=None,
        objective_name=str(trial.config["eval"]["objective"]),
        direction="minimize" if trial.config["eval"]["objective"] == VALIDATION_LOSS else "maximize",
        started=as_text(datetime.now().astimezone()),
        ended=None,
        seconds=None,
        command=["mentalft", *fixed, *own],
        choices=trial.choices,
    )
    with sweep_locked(trial.sweep_dir):
        if (earlier := earlier_attempt(trial)) is not None:
            return replace(wanted, job=earlier.job)
        taken = {status.job for status in statuses(trial.sweep_dir)}
        number = trial.number if trial.number not in taken else max(taken) + 1
        wanted = replace(wanted, job=number)
        write_status(trial.sweep_dir, wanted)
    return wanted


def _split(trial: Trial) -> tuple[list[str], list[str]]:
    """The overrides that vary in this sweep, and those that all its trials share."""
    varied = {key_of(o) for o in read_json(trial.sweep_dir / PLAN)["overrides"]}
    about = [o for o in trial.overrides if key_of(o) not in OURS]
    return [o for o in about if key_of(o) in varied], [o for o in about if key_of(o) not in varied]


def key_of(override: str) -> str:
    return override.lstrip("+~").partition("=")[0]


def _run(trial: Trial, status: Status) -> Status:
    run_dir = trial.sweep_dir / str(status.job)
    write_status(trial.sweep_dir, status)
    with log_to(run_dir):
        say(f"{in_short(status)}: {shown(run_dir)}")
        for name, text in trial.records.items():
            write_text(run_dir / ".hydra" / name, text)
        if trial.config["tracking"]["mode"] != "disabled":
            _name_in_tracker(trial, status, run_dir)
        try:
            objective = _objective(trial, status, run_dir)
            ended = status.ended_as(DONE, objective=objective)
            say(f"{in_short(ended)}: done in {ended.seconds:.0f} s{result_of(ended)}")
        except KeyboardInterrupt as stop:
            write_status(trial.sweep_dir, status.ended_as(FAILED, error=f"interrupted: {stop}".removesuffix(": ")))
            raise
        except Exception as error:
            ended = status.ended_as(FAILED, error=_one_line(error, trial, run_dir))
            say(f"{in_short(ended)}: failed: {ended.error}", style="red")
    write_status(trial.sweep_dir, ended)
    return ended


def _objective(trial: Trial, status: Status, run_dir: Path) -> float | None:
    config = load_config(trial.config)
    group = "-".join(trial.sweep_dir.parts[-2:])
    name = " ".join(status.overrides) or f"trial {status.job}"
    overrides = [*status.fixed, *status.overrides]
    objective = run_tracked(config, run_dir, trial.choices, overrides, group=group, name=name)
    searches = read_json(trial.sweep_dir / PLAN)["sweeper"] != "basic"
    if objective is None and searches:
        raise UserError("there is no objective to search by: train must be among stages")
    return objective


def _one_line(error: Exception, trial: Trial, run_dir: Path) -> str:
    message = in_words(error, list(trial.overrides), run_dir)
    if message is None:
        log.error("unexpected error", exc_info=error)
        message = f"{type(error).__name__}: {str(error).strip()}"
        first = message.splitlines()[0][:300]
        return f"{first} (the traceback is in {shown(run_dir / 'mentalft.log')})"
    return "; ".join(message.splitlines())


def result_of(status: Status) -> str:
    return "" if status.objective is None else f", {status.objective_name} {status.objective:.4g}"


def _name_in_tracker(trial: Trial, status: Status, run_dir: Path) -> None:
    """The id of the trial's W&B run follows from the sweep and the overrides, so an attempt goes on in the same run."""
    path = run_dir / "wandb" / "run_id"
    if not path.is_file():
        sweep = [trial.sweep_dir.parent.name, trial.sweep_dir.name]
        write_text(path, f"{sha256_json([sweep, list(status.key)])[:12]}\n")


def _clear_away() -> None:
    """What a trial leaves in a process that goes on with another: memory, and Accelerate's choice of a precision."""
    if "torch" in sys.modules:
        from mentalft.training.memory import release

        release()


def write_plan(
    sweep_dir: Path,
    command: list[str],
    overrides: Iterable[str],
    sweeper: str,
    launcher: str,
    jobs: Sequence[Sequence[str]] | int | None = None,
) -> None:
    """``sweep_plan.json``: what the sweep was asked; an earlier command's beginning stays the beginning.

    Args:
        jobs: the overrides of each trial, or how many there are to be, where that is known beforehand.
    """
    path = sweep_dir / PLAN
    started = read_json(path)["started"] if path.is_file() else as_text(datetime.now().astimezone())
    plan = {"command": command, "overrides": list(overrides), "sweeper": sweeper, "launcher": launcher}
    planned = jobs if jobs is None or isinstance(jobs, int) else [_key(job) for job in jobs]
    write_json(path, {**plan, "started": started, "trials": planned})


def not_begun(sweep_dir: Path) -> int:
    """How many of the trials that the latest command asked for have no directory yet; 0 where that is not known."""
    try:
        planned = read_json(sweep_dir / PLAN).get("trials")
    except (OSError, ValueError):
        return 0
    begun = {status.key for status in statuses(sweep_dir)}
    if isinstance(planned, int):
        return max(0, planned - len(begun))
    return len({tuple(key) for key in planned or ()} - begun)
