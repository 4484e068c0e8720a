"""Rows that are written as they come, by one process or several, and put together when all are there.

While a file ``X.jsonl`` is in the making, ``X.partial.jsonl`` holds what earlier attempts left, and each process adds
to an ``X.partial.RANK.jsonl`` of its own. A kill at any moment loses at most the line that was being written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from mentalft.errors import DataError
from mentalft.files import json_line, read_jsonl, write_jsonl

Row = dict[str, Any]


def so_far(path: Path, wanted: Callable[[Row], bool], besides: Iterable[Path] = ()) -> dict[str, Row]:
    """Rows with an ``id`` that earlier attempts left and that are still ``wanted``, gathered into the partial file.

    Args:
        besides: further files to look for rows in, which stay as they are.

    To be called while no process adds to the parts.
    """
    found: dict[str, Row] = {}
    parts = [path, *sorted(path.parent.glob(f"{path.stem}.partial*.jsonl"))]
    for part in (*besides, *parts):
        found |= {row["id"]: row for row in _whole_rows(part) if wanted(row)}
    write_jsonl(_partial(path), found.values())
    for part in parts:
        if part != _partial(path):
            part.unlink(missing_ok=True)
    return found


def ids_gathered(path: Path) -> set[str]:
    """The ids of what :func:`so_far` gathered; what other processes have added since is not looked at."""
    return {row["id"] for row in _whole_rows(_partial(path))}


def add(path: Path, rank: int, rows: Iterable[Row]) -> None:
    """Add each of ``rows`` to this process's part as soon as it comes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f"{path.stem}.partial.{rank}.jsonl").open("a", encoding="utf-8") as handle:
        for row in rows:
            handle.write(json_line(row))
            handle.flush()


def finish(path: Path, ids: Iterable[str], wanted: Callable[[Row], bool]) -> list[Row]:
    """Write ``path`` whole, in the order of ``ids``, from all parts, which are then removed.

    Raises:
        KeyError: a row is missing.
    """
    found = so_far(path, wanted)
    rows = [found[i] for i in ids]
    write_jsonl(path, rows)
    _partial(path).unlink(missing_ok=True)
    return rows


def _partial(path: Path) -> Path:
    return path.with_name(f"{path.stem}.partial.jsonl")


def _whole_rows(path: Path) -> Iterator[Row]:
    if path.is_file():
        try:
            yield from (row for row in read_jsonl(path) if isinstance(row, dict) and isinstance(row.get("id"), str))
        except (DataError, UnicodeDecodeError):
            return  # a kill cut the last line short
