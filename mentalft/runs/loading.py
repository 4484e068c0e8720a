"""A run directory, read back: what the report, the plots, the model card and ``mentalft-runs`` are made from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mentalft.errors import DataError
from mentalft.files import read_json
from mentalft.records import Comparison, DataReport, ItemRow
from mentalft.runs.files import COMPARISON, DATA_REPORT, ITEMS


@dataclass(frozen=True)
class FinishedRun:
    """What a run with a comparison left; None or empty for what a run has no stage for."""

    run_dir: Path
    comparison: Comparison
    items: list[ItemRow]
    training: list[dict[str, float]]
    """Rows of ``training.jsonl``, under the tracker's names (``train/loss``, ``validation/loss`` …)."""
    data: DataReport | None
    manifest: dict[str, Any] | None


def read_run(run_dir: Path) -> FinishedRun:
    """Read what ``run_dir`` holds.

    Raises:
        DataError: there is no comparison, or a file is not what this mentalft writes.
    """
    check_finished(run_dir)
    return FinishedRun(
        run_dir,
        COMPARISON.load(run_dir),
        ITEMS.load(run_dir) if ITEMS.exists(run_dir) else [],
        training_rows(run_dir),
        DATA_REPORT.load(run_dir) if DATA_REPORT.exists(run_dir) else None,
        _json(run_dir / "manifest.json"),
    )


def check_finished(run_dir: Path) -> None:
    """Raise :class:`DataError` where ``run_dir`` has no comparison."""
    if not (run_dir / "comparison.json").is_file():
        raise DataError(f"{run_dir} holds no comparison.json; give the directory of a run that got as far as compare")


def _json(path: Path) -> dict[str, Any] | None:
    return read_json(path) if path.is_file() else None


def training_rows(run_dir: Path) -> list[dict[str, float]]:
    """Rows of ``training.jsonl``, to which a killed run may have written half a line."""
    path = run_dir / "training.jsonl"
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
