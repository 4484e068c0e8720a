"""What one trial of a sweep left in its directory."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from mentalft.errors import DataError
from mentalft.files import read_json
from mentalft.records import Comparison
from mentalft.runs.markers import FOLDER
from mentalft.show.tables import read_comparison

STATUS = "status.json"
PLAN = "sweep_plan.json"
DONE, RUNNING, FAILED, UNREADABLE = "done", "running", "failed", "unreadable"


@dataclass(frozen=True)
class Trial:
    """One job; None or empty for what it has not got (yet)."""

    name: str
    """Its directory, seen from the sweep's."""
    state: str
    """``done``, ``running``, ``failed``, or ``unreadable`` where ``status.json`` is no such file."""
    overrides: tuple[str, ...] = ()
    """As Hydra was given them."""
    error: str | None = None
    objective: float | None = None
    objective_name: str = "validation_loss"
    direction: str = "minimize"
    base_objective: float | None = None
    """The objective before training, where it is the validation loss."""
    started: str | None = None
    seconds: float | None = None
    """From start to end of the job."""
    training_seconds: float | None = None
    memory_bytes: int | None = None
    """Most in use while it trained: GPU memory where there is a GPU, else of the process."""
    adapter_bytes: int | None = None
    parameters: int | None = None
    """Trained ones: those that the adapter holds."""
    train_dialogues: int | None = None
    validated_on: str | None = None
    """Digest of the validation split."""
    comparison: Comparison | None = None
    titles: dict[str, str] = field(default_factory=dict)
    """Of metrics, by name."""
    has_report: bool = False
    command: tuple[str, ...] = ()
    """As recorded with the job."""

    @property
    def values(self) -> dict[str, str]:
        """What the overrides set, by key, as people read it."""
        return dict(map(_key_and_value, self.overrides))


def read_trials(sweep_dir: Path) -> list[Trial]:
    """Every trial of the sweep, in the order of their directories' names and numbers."""
    names = [run_dir.relative_to(sweep_dir).as_posix() for run_dir in run_dirs(sweep_dir)]
    return [_trial(sweep_dir, name) for name in sorted(names, key=natural)]


def run_dirs(sweep_dir: Path) -> list[Path]:
    """The directories of the trials: those in ``sweep_dir``, or one further down, where names of folders have a slash.

    Raises:
        DataError: there is none; or ``sweep_dir`` is none of a sweep, and there are sweeps in it.
    """
    found = [path.parent for pattern in (f"*/{STATUS}", f"*/*/{STATUS}") for path in sweep_dir.glob(pattern)]
    if not (sweep_dir / PLAN).is_file() and (sweeps := _sweeps_below(sweep_dir)):
        raise DataError(f"{sweep_dir} is no sweep; give one of those in it: {', '.join(map(str, sweeps))}")
    if not found:
        raise DataError(f"{sweep_dir} holds no trial (NUMBER/{STATUS}); give the directory of a sweep")
    return sorted(found)


def _sweeps_below(folder: Path) -> list[Path]:
    """Those with a plan, and what looks like one: a folder of numbered trials."""
    planned = {path.parent for pattern in (f"*/{PLAN}", f"*/*/{PLAN}") for path in folder.glob(pattern)}
    trials = (path.parent for path in folder.glob(f"*/*/{STATUS}"))
    return sorted(planned | {trial.parent for trial in trials if trial.name.isdecimal()})


def natural(name: str) -> list[tuple[int, int, str]]:
    """A key to sort by in which ``10`` comes after ``9``."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name)]


def _trial(sweep_dir: Path, name: str) -> Trial:
    run_dir = sweep_dir / name
    try:
        status = _status(run_dir / STATUS)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return Trial(name, UNREADABLE, error=f"{STATUS}: {type(error).__name__}; it was cut or edited")
    said = status["error"]
    try:
        comparison, titles = read_comparison(run_dir) if (run_dir / "comparison.json").is_file() else (None, {})
    except DataError as problem:
        comparison, titles, said = None, {}, said or str(problem)
    rows = list(_rows(run_dir / "training.jsonl"))
    memory = [row["train/memory_bytes"] for row in rows if "train/memory_bytes" in row]
    weights = run_dir / "adapter" / "adapter_model.safetensors"
    return Trial(
        name=name,
        **{**status, "error": said},
        base_objective=_before_training(rows) if status["objective_name"] == "validation_loss" else None,
        training_seconds=_lookup(run_dir / FOLDER / "train.json", "cost", "seconds"),
        memory_bytes=int(max(memory)) if memory else None,
        adapter_bytes=weights.stat().st_size if weights.is_file() else None,
        parameters=_parameters(weights),
        train_dialogues=_lookup(run_dir / "data" / "report.json", "dialogues", "train"),
        validated_on=_lookup(run_dir / FOLDER / "prepare.json", "outputs", "data/validation.jsonl"),
        comparison=comparison,
        titles=titles,
        has_report=(run_dir / "report.html").is_file(),
    )


def _status(path: Path) -> dict[str, Any]:
    """The fields of ``status.json`` that are a trial's; KeyError, TypeError or ValueError where it is none."""
    found = read_json(path)
    if found["state"] not in (DONE, RUNNING, FAILED):
        raise ValueError(found["state"])
    objective, seconds, error = found.get("objective"), found.get("seconds"), found.get("error")
    if objective is not None and not math.isfinite(objective):
        objective, error = None, error or f"the objective is {objective}"
    return {
        "state": found["state"],
        "overrides": tuple(map(str, found["overrides"])),
        "error": " ".join(str(error).split()) if error else None,
        "objective": None if objective is None else float(objective),
        "objective_name": str(found.get("objective_name") or "validation_loss"),
        "direction": str(found.get("direction") or "minimize"),
        "started": found.get("started"),
        "seconds": None if seconds is None else float(seconds),
        "command": tuple(map(str, found.get("command") or ())),
    }


def _key_and_value(override: str) -> tuple[str, str]:
    key, _, value = override.partition("=")
    quoted = re.fullmatch(r"""(['"])(.*)\1""", value, flags=re.DOTALL)
    return key.lstrip("+~"), quoted[2].replace(f"\\{quoted[1]}", quoted[1]) if quoted else value


def _rows(path: Path) -> Iterator[dict[str, float]]:
    """The whole lines of a log that may still be written to."""
    text = path.read_bytes() if path.is_file() else b""
    for line in text[: text.rfind(b"\n") + 1].splitlines():
        try:
            yield orjson.loads(line)
        except orjson.JSONDecodeError:
            continue


def _before_training(rows: list[dict[str, float]]) -> float | None:
    return next((r["validation/loss"] for r in rows if r.get("train/step") == 0 and "validation/loss" in r), None)


def _parameters(weights: Path) -> int | None:
    """How many numbers a safetensors file holds, from its header alone (its length is in the first eight bytes)."""
    try:
        with weights.open("rb") as handle:
            header = orjson.loads(handle.read(int.from_bytes(handle.read(8), "little")))
    except (OSError, ValueError):
        return None
    shapes: list[list[int]] = [tensor["shape"] for name, tensor in header.items() if name != "__metadata__"]
    return sum(map(math.prod, shapes))


def _lookup(path: Path, *keys: str) -> Any:
    try:
        found = read_json(path)
        for key in keys:
            found = found[key]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found
