"""Holds the screen's rules against answers that people labelled, and writes the figures into ``screen.md``.

    python docs/write_screen.py

The sets are ``tests/screen/labelled_*.jsonl`` (docs/screen-labels.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mentalft.files import read_json, read_jsonl
from mentalft.safety.rules import RULES, examine
from mentalft.words import Said, told

PAGE = Path(__file__).with_name("screen.md")
SETS = sorted((Path(__file__).parents[1] / "tests" / "screen").glob("labelled_*.jsonl"))
FIRST_LOOK = Path(__file__).parents[1] / "tests" / "screen" / "first_look.json"
"""What the rules said of the first set before anybody had looked at it; kept, for they were widened by it since."""
BEGIN, END = "<!-- labelled -->", "<!-- end -->"


class Agreement(NamedTuple):
    """One rule against one set's labels."""

    both: int
    only_rule: int
    only_label: int

    @property
    def precision(self) -> float | None:
        found = self.both + self.only_rule
        return self.both / found if found else None

    @property
    def recall(self) -> float | None:
        true = self.both + self.only_label
        return self.both / true if true else None


def agreement(rows: Sequence[dict[str, Any]]) -> dict[str, Agreement]:
    """By rule, over the rows that have its label."""
    found = [{hit.rule for hit in examine(row["answer"], row["region"])} for row in rows]
    counts = {}
    for rule in RULES:
        pairs = [
            (rule in hits, row["labels"][rule]) for hits, row in zip(found, rows, strict=True) if rule in row["labels"]
        ]
        both, only_rule, only_label = (pairs.count(pair) for pair in ((True, True), (True, False), (False, True)))
        counts[rule] = Agreement(both, only_rule, only_label)
    return counts


def page() -> str:
    """``screen.md`` with the figures of the labelled sets."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{chr(10).join(_lines())}\n{END}{rest.partition(END)[2]}"


def _lines() -> Iterator[str]:
    if not SETS:
        yield "No answers have been labelled yet, so nothing is known of it."
        return
    sets = {path.stem.removeprefix("labelled_"): list(read_jsonl(path)) for path in SETS}
    found = {f"{name} set ({len(rows)} answers)": agreement(rows) for name, rows in sets.items()}
    if FIRST_LOOK.is_file():
        seen = {rule: Agreement(*counts) for rule, counts in read_json(FIRST_LOOK).items()}
        found = {"first set, at first sight": seen, **found}
    yield "| rule | " + " | ".join(f"{head}: labelled | precision | recall" for head in found) + " |"
    yield "|---|" + "---:|---:|---:|" * len(found)
    for rule in RULES:
        cells = [cell for of in found.values() for cell in _cells(of[rule])]
        yield f"| {told(Said(f'screen.rule_{rule}'))} | {' | '.join(cells)} |"


def _cells(one: Agreement) -> list[str]:
    shares = ["–" if share is None else f"{share:.2f}" for share in (one.precision, one.recall)]
    return [str(one.both + one.only_label), *shares]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
