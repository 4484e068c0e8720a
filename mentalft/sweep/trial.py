"""One trial of a sweep: found or given a directory, run, recorded as it happens, and cleared away."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from mentalft.config import VALIDATION_LOSS
from mentalft.config.composition import load_config
from mentalft.config.mistakes import in_words
from mentalft.console import console, log_to, say, set_language, shown
from mentalft.errors import UserError, first_line
from mentalft.experiment import run_tracked
from mentalft.files import sha256_json, write_text
from mentalft.runs.place import held
from mentalft.runs.sweep_files import (
    DONE,
    FAILED,
    RUNNING,
    Status,
    SweepPlan,
    as_text,
    key_of,
    read_status,
    statuses,
    trial_dirs,
    write_status,
)
from mentalft.sweep.locks import sweep_locked, trial_lock
from mentalft.words import Said

log = logging.getLogger("mentalft")
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
    plan: SweepPlan | None
    """None where it cannot be read."""

    @property
    def own(self) -> list[str]:
        """The overrides that vary in this sweep; all of them where it is not known which do."""
        varied = {key_of(o) for o in (self.plan.overrides if self.plan else self.overrides)}
        return [o for o in self.overrides if key_of(o) in varied and key_of(o) not in OURS]

    @property
    def fixed(self) -> list[str]:
        """Those that all its trials share."""
        return [o for o in self.overrides if o not in self.own and key_of(o) not in OURS]


def run_trial(trial: Trial, *, quiet: bool = False) -> float | None:
    """Run ``trial`` unless the sweep has it already; what its sweeper is told: the objective, smaller being better.

    Whatever goes wrong is in ``status.json`` and the trial's log, and None is returned, so that others go on. A trial
    that is running elsewhere is waited for.

    Args:
        quiet: nothing on the screen; the log has it.

    Raises:
        KeyboardInterrupt: the sweep is to end.
    """
    if trial.plan is not None:
        set_language(trial.plan.language)
    status = _claimed(trial)
    console.quiet = quiet
    try:
        with trial_lock(trial.sweep_dir, status.job):
            earlier = read_status(trial.sweep_dir / str(status.job))
            if earlier is not None and earlier.state == DONE:
                return already_done(earlier)
            ended = _run(trial, replace(status, started=as_text(datetime.now().astimezone())))
    finally:
        _clear_away()
        update_page(trial.sweep_dir)
    return ended.for_sweeper


def in_short(status: Status) -> Said:
    """``trial 0 (lora.r=4)``."""
    own = " ".join(status.overrides) or Said("sweep.as_it_is")
    return Said("sweep.trial_in_short", {"number": status.job, "own": own})


def already_done(status: Status) -> float | None:
    """Say so; what the sweeper is told."""
    say(Said("sweep.already_done", {"trial": in_short(status), "result": _result(status)}))
    return status.for_sweeper


def say_ended(status: Status) -> None:
    """How the trial ended: failed and why, or what it came to."""
    if status.state == FAILED:
        say(Said("sweep.failed", {"trial": in_short(status), "error": status.error}), style="red")
    else:
        seconds = f"{status.seconds or 0:.0f}"
        say(Said("sweep.done_in", {"trial": in_short(status), "seconds": seconds, "result": _result(status)}))


def _result(status: Status) -> Said | str:
    if status.objective is None:
        return ""
    return Said("sweep.result", {"name": status.objective_name, "value": f"{status.objective:.4g}"})


def update_page(sweep_dir: Path, *, tables: bool = False) -> None:
    """Write the sweep's files, and print its ``tables``; what goes wrong there is no reason to lose a trial."""
    from mentalft.show.sweep import show_sweep, write_sweep

    for what in ("page", "tables") if tables else ("page",):
        try:
            (write_sweep if what == "page" else show_sweep)(sweep_dir)
        except Exception as error:
            log.info("the sweep's %s failed", what, exc_info=True)
            values = {"problem": first_line(error), "sweep": shown(sweep_dir)}
            say(Said(f"sweep.no_{what}", values), style="yellow")


def earlier_attempt(trial: Trial) -> Status | None:
    """What the sweep knows of a trial with the same overrides."""
    key = key_of_trial(trial.overrides)
    return next((status for status in statuses(trial.sweep_dir) if status.key == key), None)


def key_of_trial(overrides: Iterable[str]) -> tuple[str, ...]:
    """As :attr:`~mentalft.runs.sweep_files.Status.key`."""
    return tuple(sorted(o for o in overrides if key_of(o) not in OURS and not key_of(o).startswith("hydra")))


def _claimed(trial: Trial) -> Status:
    """The trial's place in the sweep: that of an earlier attempt with the same overrides, or one of its own."""
    wanted = Status(
        job=trial.number,
        overrides=trial.own,
        fixed=trial.fixed,
        state=RUNNING,
        error=None,
        objective=None,
        objective_name=str(trial.config["eval"]["objective"]),
        direction="minimize" if trial.config["eval"]["objective"] == VALIDATION_LOSS else "maximize",
        started=as_text(datetime.now().astimezone()),
        ended=None,
        seconds=None,
        command=["mentalft", *trial.fixed, *trial.own],
        choices=trial.choices,
    )
    with sweep_locked(trial.sweep_dir):
        if (earlier := earlier_attempt(trial)) is not None:
            return replace(wanted, job=earlier.job)
        taken = {int(path.name) for path in trial_dirs(trial.sweep_dir)}
        number = trial.number if trial.number not in taken else max(taken) + 1
        wanted = replace(wanted, job=number)
        write_status(trial.sweep_dir, wanted)
    return wanted


def _run(trial: Trial, status: Status) -> Status:
    run_dir = trial.sweep_dir / str(status.job)
    write_status(trial.sweep_dir, status)
    with ExitStack() as stack:
        try:
            stack.enter_context(held(run_dir))
        except UserError as error:  # somebody else uses it, and has the log
            ended = status.ended_as(FAILED, error=str(error))
            write_status(trial.sweep_dir, ended)
            return ended
        stack.enter_context(log_to(run_dir))
        say(Said("sweep.trial_in", {"trial": in_short(status), "directory": shown(run_dir)}))
        for name, text in trial.records.items():
            write_text(run_dir / ".hydra" / name, text)
        if trial.config["tracking"]["mode"] != "disabled":
            _name_in_tracker(trial, status, run_dir)
        try:
            ended = status.ended_as(DONE, objective=_objective(trial, status, run_dir))
        except KeyboardInterrupt as stop:
            write_status(trial.sweep_dir, status.ended_as(FAILED, error=f"interrupted: {stop}".removesuffix(": ")))
            raise
        except Exception as error:
            ended = status.ended_as(FAILED, error=_one_line(error, trial, run_dir))
        say_ended(ended)
    write_status(trial.sweep_dir, ended)
    return ended


def _objective(trial: Trial, status: Status, run_dir: Path) -> float | None:
    config = load_config(trial.config)
    group = "-".join(trial.sweep_dir.parts[-2:])
    name = " ".join(status.overrides) or f"trial {status.job}"
    overrides = [*status.fixed, *status.overrides]
    objective = run_tracked(config, run_dir, trial.choices, overrides, group=group, name=name)
    if objective is None and trial.plan and trial.plan.sweeper != "basic":
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
