"""How a sweep ends: what became of its trials."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path

from mentalft.console import console, say, say_path, shown
from mentalft.sweeping.status import DONE, FAILED, bury_the_dead, statuses
from mentalft.sweeping.trial import in_short, result_of, update_page

log = logging.getLogger("mentalft")
PATIENCE = 5.0
"""Seconds; a launcher that is interrupted ends the trials a moment after itself."""


def conclude(sweep_dir: Path, begun: float) -> list[str]:
    """Say how the sweep stands; a line for each trial that failed since ``begun`` (seconds since the epoch)."""
    bury_the_dead(sweep_dir, PATIENCE)
    update_page(sweep_dir)
    found = statuses(sweep_dir)
    if not found:
        return []
    done = [s for s in found if s.state == DONE]
    measured = [s for s in done if s.for_sweeper is not None]
    say(f"sweep: {len(done)} of {len(found)} trials done")
    if measured:
        best = min(measured, key=lambda s: s.for_sweeper or 0.0)
        say(f"sweep: best: {in_short(best)}{result_of(best)}")
    _show(sweep_dir)
    say(f"sweep directory: {shown(sweep_dir)}")
    if (sweep_dir / "sweep.html").is_file():
        say_path("report", sweep_dir / "sweep.html")
    failed = [s for s in found if s.state == FAILED and datetime.fromisoformat(s.started).timestamp() >= begun]
    return [f"{in_short(s)} failed: {s.error}" for s in failed]


def _show(sweep_dir: Path) -> None:
    from mentalft.reporting.sweep import read_sweep, terminal_tables

    try:
        for table in terminal_tables(read_sweep(sweep_dir)):
            console.print(table)
    except Exception:  # as with the page, no reason to end in an error
        log.warning("sweep: the tables could not be drawn", exc_info=True)


def ended_early(sweep_dir: Path, error: Exception) -> str:
    """What the user is told where a launcher or a sweeper raised ``error``."""
    if isinstance(error, ValueError) and not any(s.state == DONE for s in statuses(sweep_dir)):
        return "the sweep ended early: not one trial has a result to go by"  # a study without any has no best one
    return f"the sweep ended early: {type(error).__name__}: {error}"
