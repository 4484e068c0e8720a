"""``sweep.{md,csv,json,html}``, written again after every job."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock

from mentalft import __version__
from mentalft.files import MARKED, read_json, sha256_json, write_text
from mentalft.runs.sweep_files import STATUS, SWEEP_PLAN, trial_dirs
from mentalft.show.sweep.files import write_sweep_csv, write_sweep_json, write_sweep_markdown
from mentalft.show.sweep.page import sweep_html
from mentalft.show.sweep.reading import read_sweep
from mentalft.show.sweep.result import Sweep
from mentalft.show.sweep.trials import check_is_sweep

OUTPUTS = ("sweep.md", "sweep.csv", "sweep.html", "sweep.json")
LOCK = ".sweep.lock"
WAIT_SECONDS = 120.0
LOOKED_AT = (
    STATUS.name, "comparison.json", "scores.jsonl", "training.jsonl", "report.html", "data/report.json",
    f"{MARKED}/prepare.json", f"{MARKED}/train.json", "adapter/adapter_model.safetensors",
)  # fmt: skip


def write_sweep(sweep_dir: Path, *, again: bool = False) -> None:
    """Write what the trials in ``sweep_dir`` came to so far; jobs that end together wait for each other.

    Args:
        again: also where nothing has changed since it was written.

    Raises:
        DataError: no trial is there.
        filelock.Timeout: another job has been writing for two minutes.
    """
    check_is_sweep(sweep_dir)  # before a lock is left in a folder that is none of a sweep
    with FileLock(sweep_dir / LOCK, timeout=WAIT_SECONDS):
        state = _state(sweep_dir)
        if again or _written_from(sweep_dir) != state:
            _write(read_sweep(sweep_dir), state)


def _write(sweep: Sweep, state: str) -> None:
    write_sweep_markdown(sweep, sweep.sweep_dir / "sweep.md")
    write_sweep_csv(sweep, sweep.sweep_dir / "sweep.csv")
    write_text(sweep.sweep_dir / "sweep.html", sweep_html(sweep))
    write_sweep_json(sweep, sweep.sweep_dir / "sweep.json", written_from=state)  # last: it says that all are


def _state(sweep_dir: Path) -> str:
    """Changes when a file that the result is made from does."""
    places = [SWEEP_PLAN.path(sweep_dir), *(run_dir / name for run_dir in trial_dirs(sweep_dir) for name in LOOKED_AT)]
    return sha256_json([__version__, *(_stamp(path) for path in places)])


def _stamp(path: Path) -> list[str | int]:
    try:
        found = path.stat()
    except OSError:
        return [str(path)]
    return [str(path), found.st_size, found.st_mtime_ns]


def _written_from(sweep_dir: Path) -> str | None:
    if not all((sweep_dir / name).is_file() for name in OUTPUTS):
        return None
    try:
        return str(read_json(sweep_dir / "sweep.json")["written_from"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
