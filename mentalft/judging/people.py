"""What people chose and how they rated, for a judge to be held against."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from mentalft.errors import DataError
from mentalft.judging.record import TIE
from mentalft.runs.files import JsonLinesFile


@dataclass(frozen=True)
class PersonRow:
    """A row of ``judge.human``: one person's view of one pair of answers."""

    id: str
    """Of the item, as in ``responses/items.jsonl``."""
    pair: tuple[str, str]
    """Names of the two contenders."""
    choice: str | None = None
    """One of the two, or ``tie``; null where only ratings were given."""
    rater: str = ""
    ratings: dict[str, dict[str, float]] = field(default_factory=dict)
    """Contender → dimension of the rubric → level."""


REVIEWED: JsonLinesFile[PersonRow] = JsonLinesFile("review/choices.jsonl", PersonRow, "review")
"""Where a blind review of the run leaves what its raters chose."""


def people_file(given: str | None, run_dir: Path) -> Path | None:
    """What ``judge.human`` names, else the run's own review; None where there is neither."""
    if given:
        return Path(given).expanduser()
    return REVIEWED.path(run_dir) if REVIEWED.exists(run_dir) else None


def read_people(path: Path, items: Collection[str], baseline: str, others: Collection[str]) -> list[PersonRow]:
    """Every row that is about an item asked and a pair compared; where a rater saw a pair twice, the later one.

    Raises:
        DataError: the file cannot be read, a row is not of this form, or none is about this run.
    """
    decoder = msgspec.json.Decoder(PersonRow)
    found: dict[tuple[str, str, str], PersonRow] = {}
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"judge.human={path}: {error}; give a JSONL file in UTF-8") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = decoder.decode(line)
        except msgspec.DecodeError as error:
            raise DataError(f"{path}, line {number}: {error}; docs/judge.md has the form of a row") from error
        if row.choice not in (None, TIE, *row.pair):
            raise DataError(
                f"{path}, line {number}: choice is {row.choice!r}; accepted are {', '.join(row.pair)}, {TIE}"
            )
        other = next((name for name in row.pair if name != baseline), baseline)
        if row.id in items and baseline in row.pair and other in others:
            found[row.id, other, row.rater] = row
    if not found:
        raise DataError(
            f"{path}: no row is about an item of this run and a pair of {baseline} with one of {', '.join(others)}; "
            "id must be as in responses/items.jsonl, and pair two names of eval.contenders"
        )
    return list(found.values())
