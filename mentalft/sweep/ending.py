"""How a sweep ends: what became of its trials."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from mentalft.console import language, say, say_path, shown
from mentalft.runs.sweep_files import DONE, FAILED, RUNNING, Status, read_plan, statuses
from mentalft.sweep.locks import INTERRUPTED, mark_killed_trials_failed
from mentalft.sweep.trial import in_short, update_page
from mentalft.words import Said, told

PATIENCE = 5.0
"""Seconds; a launcher that is interrupted ends the trials a moment after itself."""


def conclude(sweep_dir: Path, begun: float) -> list[str]:
    """Say how the sweep stands; a line for each trial that failed since ``begun`` (seconds since the epoch)."""
    mark_killed_trials_failed(sweep_dir, PATIENCE)
    found = statuses(sweep_dir)
    if not found:  # it ended before its first trial
        return []
    say(Said("sweep.stands", {"counts": _counted(found, _not_begun(sweep_dir, found))}))
    update_page(sweep_dir, tables=True)
    say(Said("sweep.directory", {"path": shown(sweep_dir)}))
    if (sweep_dir / "sweep.html").is_file():
        say_path(Said("sweep.report"), sweep_dir / "sweep.html")
    failed = [s for s in found if s.state == FAILED and datetime.fromisoformat(s.started).timestamp() >= begun]
    lines = [Said("sweep.trial_failed", {"trial": in_short(s), "error": s.error}) for s in failed]
    return [told(line, language()) for line in lines]


def _not_begun(sweep_dir: Path, found: list[Status]) -> int:
    """How many of the trials that the latest command asked for have no directory yet; 0 where that is not known."""
    plan = read_plan(sweep_dir)
    planned = plan.trials if plan else None
    begun = {status.key for status in found}
    if isinstance(planned, int):
        return max(0, planned - len(begun))
    return len({tuple(key) for key in planned or ()} - begun)


def _counted(found: list[Status], waiting: int) -> list[Said]:
    """``1 of 4 trials done, 2 interrupted, 1 not begun``."""
    interrupted = sum((s.error or "").startswith(INTERRUPTED) for s in found if s.state == FAILED)
    others = {
        "interrupted": interrupted,
        "failed": sum(s.state == FAILED for s in found) - interrupted,
        "running": sum(s.state == RUNNING for s in found),
        "not_begun": waiting,
    }
    done = {"done": sum(s.state == DONE for s in found), "all": len(found) + waiting}
    counts = [Said(f"sweep.count.{state}", {"count": count}) for state, count in others.items() if count]
    return [Said("sweep.count.of_all", done), *counts]


def ended_early(sweep_dir: Path, error: Exception) -> str:
    """What the user is told where a launcher or a sweeper raised ``error``."""
    if isinstance(error, ValueError) and not any(s.state == DONE for s in statuses(sweep_dir)):
        return "the sweep ended early: not one trial has a result to go by"  # a study without any has no best one
    said = str(error) if isinstance(error, RuntimeError) and str(error) else f"{type(error).__name__}: {error}"
    return f"the sweep ended early: {said}"
