"""Which runs there are: when, from what, how far they got, and what they found. Only small files are read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from mentalft.config import RUNNING_ORDER, Config
from mentalft.config.fields import settings_of
from mentalft.console import shown
from mentalft.errors import DataError
from mentalft.runs.files import COMPARISON
from mentalft.runs.markers import markers, unfinished
from mentalft.runs.stage import RESULT_GROUPS, owners
from mentalft.runs.sweep_files import STATUS, Status
from mentalft.show.verdict import short_verdict
from mentalft.words import Said, told

MARKS = ("config.resolved.yaml", "manifest.json", ".stages", "mentalft.log", "status.json")
"""A directory with one of these is a run."""
NO_MATTER = (
    *RESULT_GROUPS,
    *(s.key for s in settings_of(Config) if "place" in s.bears_on and s.key != "stages"),
    "tracking",
)
"""Overrides that are shown elsewhere, or change no result."""
TAIL = 16384
"""Bytes at the end of a log that are looked at."""
DONE, FAILED, RUNNING, UNFINISHED, UNREADABLE = "done", "failed", "running", "unfinished", "unreadable"


@dataclass(frozen=True)
class ListedRun:
    directory: str
    date: datetime
    """When its first stage began; of the directory where that is not recorded."""
    state: str
    """``done`` (every stage that was begun, and one at least), ``failed``, ``unfinished`` (stopped, or running now),
    ``unreadable``; of a sweep's trial that has not ended, ``running``."""
    stages: tuple[str, ...] = ()
    """Those that are complete."""
    open_stage: str | None = None
    """The one that was begun and not completed."""
    problem: str | None = None
    """The last error in its log, or what cannot be read."""
    choices: dict[str, str] = field(default_factory=dict)
    """By group; of a run that is done, only what a stage used."""
    overrides: tuple[str, ...] = ()
    """The command's own (of a sweep, this job's), without :data:`NO_MATTER`."""
    of_sweep: bool = False
    """It is a trial, and state, problem and overrides are those that its sweep recorded."""
    stage_overrides: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By stage that another command ran: what that one gave and the run's did not."""
    verdict: Said | None = None
    """None as well while a stage is done again, whose result the comparison in the directory is not of."""

    def to_json(self) -> dict[str, Any]:
        row = asdict(self)
        return {**row, "date": self.date.isoformat(timespec="seconds"), "verdict": self.verdict and told(self.verdict)}


def list_runs(roots: Sequence[Path]) -> list[ListedRun]:
    """Every run in or below ``roots``, newest first; one that cannot be read is listed as such."""
    found = dict.fromkeys(run_dir for root in roots for run_dir in run_dirs(root))
    return sorted(map(_listed, found), key=lambda run: (run.date, run.directory), reverse=True)


def overrides_in_words(run: ListedRun) -> str:
    """Such as ``experiment=quick; compare: eval.metrics=[bleu]``."""
    stages: dict[tuple[str, ...], list[str]] = {}
    for stage, given in run.stage_overrides.items():
        stages.setdefault(given, []).append(stage)
    apart = [f"{', '.join(names)}: {' '.join(given)}" for given, names in stages.items()]
    return "; ".join(filter(None, [" ".join(run.overrides), *apart]))


def run_dirs(root: Path) -> Iterator[Path]:
    """Runs in ``root`` and below, not looking into them, nor into what is hidden."""
    for folder, names, files in os.walk(root, followlinks=False):
        if any(mark in files or mark in names for mark in MARKS):
            names.clear()
            yield Path(folder)
        else:
            names[:] = sorted(name for name in names if not name.startswith("."))


def _listed(run_dir: Path) -> ListedRun:
    name = shown(run_dir.absolute())
    try:
        return _as_trial(_read(run_dir, name), STATUS.load(run_dir) if STATUS.exists(run_dir) else None)
    except (DataError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        problem = str(error) or type(error).__name__
        return ListedRun(name, _date_of(run_dir, {}), UNREADABLE, problem=problem.splitlines()[0])


def _read(run_dir: Path, name: str) -> ListedRun:
    manifest = _json(run_dir / "manifest.json") or {}
    done = markers(run_dir).keys()
    pending = unfinished(run_dir)
    problem = _last_error(run_dir / "mentalft.log")
    state = FAILED if problem else UNFINISHED if pending or not done else DONE
    is_compared = "compare" in done and not pending and COMPARISON.exists(run_dir)
    return ListedRun(
        directory=name,
        date=_date_of(run_dir, manifest),
        state=state,
        stages=tuple(stage for stage in RUNNING_ORDER if stage in done),
        open_stage=pending[0] if pending else None,
        problem=problem,
        choices=dict(_choices(manifest, done=state == DONE)),
        overrides=tuple(_overrides(manifest)),
        stage_overrides=dict(_stage_overrides(manifest)),
        verdict=short_verdict(COMPARISON.load(run_dir)) if is_compared else None,
    )


def _as_trial(run: ListedRun, status: Status | None) -> ListedRun:
    """``run`` with what its sweep recorded in ``status``."""
    if status is None:
        return run
    choices = {group: name for group, name in status.choices.items() if group in RESULT_GROUPS}
    return replace(
        run,
        state=status.state if status.state in (FAILED, RUNNING) else run.state,
        problem=status.error or run.problem,
        choices=run.choices or choices,
        overrides=tuple(_telling([*status.fixed, *status.overrides])),
        of_sweep=True,
    )


def _choices(manifest: dict[str, Any], *, done: bool) -> Iterator[tuple[str, str]]:
    typed, stages = manifest.get("choices") or {}, manifest.get("stages") or {}
    for group in RESULT_GROUPS:
        user = next((stage for stage in owners(group) if stage in stages), None)
        chosen = typed if user is None else stages[user].get("choices") or typed
        if group in chosen and not (done and user is None):
            yield group, chosen[group]


def _overrides(record: dict[str, Any]) -> list[str]:
    return _telling((record.get("command") or [])[1:])


def _telling(overrides: Iterable[str]) -> list[str]:
    return [override for override in overrides if override.lstrip("+").partition("=")[0] not in NO_MATTER]


def _stage_overrides(manifest: dict[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    stages, leading = manifest.get("stages") or {}, _overrides(manifest)
    for stage in RUNNING_ORDER:
        given = _overrides(stages.get(stage) or {})
        if own := tuple(o for o in given if o not in leading and not o.startswith("stages=")):
            yield stage, own


def _json(path: Path) -> dict[str, Any] | None:
    """What ``path`` holds; None where it is not there."""
    if not path.is_file():
        return None
    try:
        found = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise ValueError(f"{path.name}: not JSON ({error})") from error
    if not isinstance(found, dict):
        raise TypeError(f"{path.name}: not an object")
    return found


def _date_of(run_dir: Path, manifest: dict[str, Any]) -> datetime:
    """In local time."""
    started = [stage["started"] for stage in manifest.get("stages", {}).values() if "started" in stage]
    if started:
        return datetime.fromisoformat(min(started)).astimezone()
    first = next((p for p in (run_dir / ".hydra" / "config.yaml", run_dir) if p.exists()), None)
    return datetime.fromtimestamp(first.stat().st_mtime if first else 0).astimezone()


def _last_error(log: Path) -> str | None:
    """The error that the log ends with: the run failed, and nothing was said after it."""
    if not log.is_file():
        return None
    with log.open("rb") as handle:
        handle.seek(max(0, log.stat().st_size - TAIL))
        lines = handle.read().decode("utf-8", "replace").splitlines()
    last = next((line for line in reversed(lines) if _level(line)), "")
    return last.partition(" mentalft: ")[2] if _level(last) == "ERROR" else None


def _level(line: str) -> str | None:
    """``INFO``, ``ERROR`` … of a line that begins an entry of the log, as :func:`mentalft.console.log_to` writes it."""
    parts = line.split(" ", 3)
    return parts[2] if len(parts) == 4 and parts[0][:2] == "20" and parts[2].isupper() else None
