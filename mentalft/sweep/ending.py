"""How a sweep ends: what became of its trials."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path

from mentalft.console import console, say, say_path, shown
from mentalft.sweep.status import DONE, FAILED, INTERRUPTED, RUNNING, Status, bury_the_dead, statuses
from mentalft.sweep.trial import in_short, not_begun, update_page

log = logging.getLogger("mentalft")
PATIENCE = 5.0
"""Seconds; a launcher that is interrupted ends the trials a moment after itself."""


def conclude(sweep_dir: Path, begun: float) -> list[str]:
    """Say how the sweep stands; a line for each trial that failed since ``begun`` (seconds since the epoch)."""
    bury_the_dead(sweep_dir, PATIENCE)
    found = statuses(sweep_dir)
    if not found:  # it ended before its first trial
        return []
    update_page(sweep_dir)
    say(f"sweep: {_counted(found, not_begun(sweep_dir))}")
    _show(sweep_dir)
    say(f"sweep directory: {shown(sweep_dir)}")
    if (sweep_dir / "sweep.html").is_file():
        say_path("report", sweep_dir / "sweep.html")
    failed = [s for s in found if s.state == FAILED and datetime.fromisoformat(s.started).timestamp() >= begun]
    return [f"{in_short(s)} failed: {s.error}" for s in failed]


def _counted(found: list[Status], waiting: int) -> str:
    """``1 of 4 trials done, 2 interrupted, 1 not begun``."""
    interrupted = sum((s.error or "").startswith(INTERRUPTED) for s in found if s.state == FAILED)
    others = {
        INTERRUPTED: interrupted,
        FAILED: sum(s.state == FAILED for s in found) - interrupted,
        RUNNING: sum(s.state == RUNNING for s in found),
        "not begun": waiting,
    }
    done = f"{sum(s.state == DONE for s in found)} of {len(found) + waiting} trials done"
    return ", ".join([done, *(f"{count} {state}" for state, count in others.items() if count)])


def _show(sweep_dir: Path) -> None:
    try:
        from mentalft.show.sweep import command_of, read_sweep, terminal_tables

        found = read_sweep(sweep_dir)
        for table in terminal_tables(found, console.width):
            console.print(table)
        if found.chosen:
            say(f"the chosen one alone: {command_of(found.chosen)}")
    except Exception:  # as with the page, no reason to end in an error
        log.warning("sweep: the tables could not be drawn", exc_info=True)


def ended_early(sweep_dir: Path, error: Exception) -> str:
    """What the user is told where a launcher or a sweeper raised ``error``."""
    if isinstance(error, ValueError) and not any(s.state == DONE for s in statuses(sweep_dir)):
        return "the sweep ended early: not one trial has a result to go by"  # a study without any has no best one
    said = str(error) if isinstance(error, RuntimeError) and str(error) else f"{type(error).__name__}: {error}"
    return f"the sweep ended early: {said}"
