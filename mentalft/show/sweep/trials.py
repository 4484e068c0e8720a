"""What one trial of a sweep left in its directory."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TypeVar

from mentalft.errors import DataError
from mentalft.records import Comparison, MetricResult
from mentalft.runs.files import COMPARISON, DATA_REPORT
from mentalft.runs.loading import training_rows
from mentalft.runs.markers import markers
from mentalft.runs.sweep_files import DONE, STATUS, SWEEP_PLAN, UNREADABLE, Status, key_of, read_status, trial_dirs
from mentalft.words import Said

T = TypeVar("T")


@dataclass(frozen=True)
class Trial:
    """One job; None for what it has not got (yet)."""

    status: Status
    problem: Said | str | None = None
    """Why it failed, or which of its files cannot be read."""
    base_objective: float | None = None
    """The objective before training, where it is the validation loss."""
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
    has_report: bool = False

    @property
    def name(self) -> str:
        """Its directory, seen from the sweep's."""
        return str(self.status.job)

    @property
    def seconds(self) -> float | None:
        """From start to end of the job."""
        return self.status.seconds

    @property
    def values(self) -> dict[str, str]:
        """What the overrides set, by key, as people read it."""
        return {key_of(override): _value(override) for override in self.status.overrides}

    @property
    def metrics(self) -> dict[str, MetricResult]:
        """What it was compared by on the test split, by name."""
        return {m.metric: m for m in self.comparison.metrics} if self.comparison else {}


def read_trials(sweep_dir: Path) -> list[Trial]:
    """Every trial of the sweep, by number.

    Raises:
        DataError: there is none; or ``sweep_dir`` is none of a sweep, and there are sweeps in it.
    """
    check_is_sweep(sweep_dir)
    return list(map(_trial, trial_dirs(sweep_dir)))


def check_is_sweep(sweep_dir: Path) -> None:
    if not SWEEP_PLAN.exists(sweep_dir) and (sweeps := _sweeps_below(sweep_dir)):
        raise DataError(f"{sweep_dir} is no sweep; give one of those in it: {', '.join(map(str, sweeps))}")
    if not trial_dirs(sweep_dir):
        raise DataError(f"{sweep_dir} holds no trial (NUMBER/{STATUS.name}); give the directory of a sweep")


def _sweeps_below(folder: Path) -> list[Path]:
    """Those with a plan, and what looks like one: a folder of numbered trials."""
    planned = {path.parent for pattern in ("*", "*/*") for path in folder.glob(f"{pattern}/{SWEEP_PLAN.name}")}
    return sorted(planned | {path for path in folder.glob("*") if trial_dirs(path)})


def _trial(run_dir: Path) -> Trial:
    status = read_status(run_dir)
    if status is None:
        nothing = Status(int(run_dir.name), [], [], UNREADABLE, None, None, "", "minimize", "", None, None, [], {})
        return Trial(nothing, Said("sweep.damaged", {"file": STATUS.name}))
    comparison = _whole(lambda: COMPARISON.load(run_dir))
    problem: Said | str = " ".join((status.error or "").split())
    if comparison is None and COMPARISON.exists(run_dir):
        problem = problem or Said("sweep.damaged", {"file": COMPARISON.name})
    rows = _whole(lambda: training_rows(run_dir)) or []
    losses = [r["validation/loss"] for r in rows if r.get("train/step") == 0 and "validation/loss" in r]
    memory = [row["train/memory_bytes"] for row in rows if "train/memory_bytes" in row]
    done, data = markers(run_dir), _whole(lambda: DATA_REPORT.load(run_dir))
    weights = run_dir / "adapter" / "adapter_model.safetensors"
    return Trial(
        status,
        problem or None,
        base_objective=losses[0] if losses and status.objective_name == "validation_loss" else None,
        training_seconds=done["train"].cost.seconds if "train" in done else None,
        memory_bytes=int(max(memory)) if memory else None,
        adapter_bytes=weights.stat().st_size if weights.is_file() else None,
        parameters=_whole(lambda: _parameters(weights)),
        train_dialogues=data.dialogues.get("train") if data else None,
        validated_on=done["prepare"].outputs.get("data/validation.jsonl") if "prepare" in done else None,
        comparison=comparison if status.state == DONE else None,
        has_report=(run_dir / "report.html").is_file(),
    )


def _value(override: str) -> str:
    value = override.partition("=")[2]
    quoted = re.fullmatch(r"""(['"])(.*)\1""", value, flags=re.DOTALL)
    return quoted[2].replace(f"\\{quoted[1]}", quoted[1]) if quoted else value


def _parameters(weights: Path) -> int:
    """How many numbers a safetensors file holds, from its header alone."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(weights, framework="numpy") as held:
            return sum(prod(held.get_slice(name).get_shape()) for name in held.keys())  # noqa: SIM118 - no mapping
    except SafetensorError as error:
        raise DataError(f"{weights}: {error}") from error


def _whole(load: Callable[[], T]) -> T | None:
    """What ``load`` reads; None where a file is not there, or was cut or edited."""
    try:
        return load()
    except (DataError, OSError, ValueError):
        return None
