"""By which metric a run is judged, and whether that was said before there were answers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from mentalft.config import EvalConfig
from mentalft.files import MARKED
from mentalft.records import Declared
from mentalft.runs.files import JsonFile
from mentalft.runs.place import SUPERSEDED

DECLARED: JsonFile[list[Declared]] = JsonFile(f"{MARKED}/primary.declared", list[Declared], "compare")
ASKED = ("items.jsonl", "decoding.json")
"""Files of ``responses/`` that are written before the first answer."""


class Change(NamedTuple):
    """Of the primary metric, after answers had been seen."""

    then: str
    now: str


def declare(cfg: EvalConfig, run_dir: Path) -> None:
    """Keep the primary metric with the time, if it is another one than before."""
    known = declared_in(run_dir)
    if not known or known[-1].metric != cfg.primary:
        seen = bool(cfg.references) or any(_answers(run_dir))
        DECLARED.save(run_dir, [*known, Declared(cfg.primary, datetime.now(UTC).isoformat(timespec="seconds"), seen)])


def declared_in(run_dir: Path) -> list[Declared]:
    """Every primary metric that the run was given, the first one first."""
    return DECLARED.load(run_dir) if DECLARED.exists(run_dir) else []


def change(primary: str, run_dir: Path) -> Change | None:
    """What stood as primary metric until answers were seen; None where it is still the same."""
    known = declared_in(run_dir)
    before = [one for one in known if not one.answers_seen] or known[:1]
    return Change(before[-1].metric, primary) if before and before[-1].metric != primary else None


def _answers(run_dir: Path) -> list[Path]:
    """Files of answers, those that were set aside among them."""
    found = [*run_dir.glob("responses/*"), *run_dir.glob(f"{SUPERSEDED}/*/responses/*")]
    return [path for path in found if path.name not in ASKED]
