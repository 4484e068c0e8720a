"""Completion markers: which stage is done, from what it was made, by which command, and what it cost.

A marker is written last, so a stage that was killed has none and runs again. ``.stages/NAME.attempt`` says from what an
attempt that is not complete began.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mentalft.config import RUNNING_ORDER
from mentalft.errors import DataError
from mentalft.files import MARKED, digest_file
from mentalft.runs.files import JsonFile
from mentalft.words import Said

SHORT = 30
"""Characters of a value that is shown."""


@dataclass(frozen=True)
class Hardware:
    platform: str
    cpus: int | None
    memory_bytes: int
    gpus: list[str]


@dataclass(frozen=True)
class ModelRecord:
    name: str
    revision: str | None
    fingerprint: str
    hub: str


@dataclass(frozen=True)
class Record:
    """What a command was, and what it ran with and on."""

    mentalft: str
    git_commit: str | None
    """Of the checkout that mentalft ran from; None for an installed package."""
    command: list[str]
    choices: dict[str, str]
    """Group of ``conf/`` → the option taken from it."""
    seeds: dict[str, int]
    versions: dict[str, str | None]
    hardware: Hardware
    model: ModelRecord | None
    config: dict[str, Any]
    """The whole configuration."""


@dataclass(frozen=True)
class Cost:
    seconds: float
    peak_memory_bytes: int
    """Of the process so far."""
    peak_gpu_memory_bytes: int | None = None


@dataclass(frozen=True)
class Marker:
    """``.stages/NAME.json``."""

    started: str
    """UTC, ISO 8601."""
    made_from: dict[str, Any]
    outputs: dict[str, str]
    """File below the run directory → digest, empty for one that is written again later."""
    cost: Cost
    record: Record


def marker_file(stage: str) -> JsonFile[Marker]:
    return JsonFile(f"{MARKED}/{stage}.json", Marker, stage)


def attempt_file(stage: str) -> JsonFile[str]:
    """Holds the hash of what an attempt was begun from."""
    return JsonFile(f"{MARKED}/{stage}.attempt", str, stage)


def markers(run_dir: Path) -> dict[str, Marker]:
    """Those of the complete stages; one that cannot be read is not complete."""
    return {stage: found for stage, found in _read(run_dir) if isinstance(found, Marker)}


def unreadable(run_dir: Path) -> dict[str, str]:
    """Stage → what is wrong with its marker."""
    return {stage: found for stage, found in _read(run_dir) if isinstance(found, str)}


def _read(run_dir: Path) -> Iterator[tuple[str, Marker | str]]:
    """Each stage with a marker, and the marker or what is wrong with it."""
    for path in sorted((run_dir / MARKED).glob("*.json")):
        try:
            yield path.stem, marker_file(path.stem).load(run_dir)
        except (DataError, OSError) as error:
            yield path.stem, str(error)


def unfinished(run_dir: Path) -> list[str]:
    """The stages that were begun and are not complete, in the order in which they run."""
    pending = {path.stem for path in (run_dir / MARKED).glob("*.attempt")} - markers(run_dir).keys()
    return [*(stage for stage in RUNNING_ORDER if stage in pending), *sorted(pending.difference(RUNNING_ORDER))]


def why_not_done(run_dir: Path, stage: str, made_from: dict[str, Any]) -> list[Said] | None:
    """None when ``stage`` was completed from exactly ``made_from``, else the reasons to run it; empty for the first."""
    path = marker_file(stage).path(run_dir)
    if not path.exists():
        return []
    try:
        marker = marker_file(stage).load(run_dir)
    except (DataError, OSError):
        return [Said("run.marker_unreadable", {"path": path.relative_to(run_dir).as_posix()})]
    then, now = _flat(marker.made_from), _flat(made_from)
    changed = sorted(key for key in then.keys() | now.keys() if then.get(key) != now.get(key))
    if changed:
        return [_changed(key, then.get(key), now.get(key)) for key in changed]
    first = next(changed_outputs(run_dir, marker), None)
    return None if first is None else [first]


def changed_outputs(run_dir: Path, marker: Marker) -> Iterator[Said]:
    """What is no longer as the stage of ``marker`` left it."""
    for name, digest in marker.outputs.items():
        if not digest:
            continue
        output = run_dir / name
        if not output.is_file():
            yield Said("run.gone", {"name": name})
        elif digest_file(output) != digest:
            yield Said("run.edited", {"name": name})


OF_EACH = ("adapter", "given", "model.fingerprint", "trained")
"""What decides a result once a contender or model."""


def _changed(key: str, then: Any, now: Any) -> Said:
    from mentalft.words import catalogue

    what: Any = Said(f"input.{key}") if f"input.{key}" in catalogue() else key
    for whole in OF_EACH:
        if key.startswith(f"{whole}."):
            what = Said(f"input_of.{whole}", {"name": key.removeprefix(f"{whole}.")})
    if not all(isinstance(value, int | float | str | None) and len(str(value)) <= SHORT for value in (then, now)):
        return Said("run.changed", {"what": what})  # files stand there as digests
    then, now = ("null" if value is None else value for value in (then, now))
    return Said("run.changed_from_to", {"what": what, "then": then, "now": now})


def _flat(value: Any, prefix: str = "") -> Mapping[str, Any]:
    if isinstance(value, dict):
        return {k: v for key, sub in value.items() for k, v in _flat(sub, f"{prefix}{key}.").items()}
    return {prefix.removesuffix("."): value}


def memory_in_use() -> int:
    """Bytes: GPU memory (the peak so far) where torch uses one, else the resident memory of this process."""
    import psutil

    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    return int(psutil.Process().memory_info().rss)


def cost_of(seconds: float) -> Cost:
    """``seconds`` with the peaks of the process so far."""
    import psutil

    info = psutil.Process().memory_info()
    torch = sys.modules.get("torch")
    on_gpu = torch is not None and torch.cuda.is_available()
    return Cost(
        round(seconds, 2),
        int(getattr(info, "peak_wset", 0) or _max_rss() or info.rss),
        int(torch.cuda.max_memory_allocated()) if torch is not None and on_gpu else None,
    )


def _max_rss() -> int:
    try:
        import resource
    except ImportError:  # Windows
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
