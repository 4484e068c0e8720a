"""What is asked: the embedded probe, and choice questions of the user's own in the forms of C-Eval, CMMLU and MMLU."""

from __future__ import annotations

import io
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mentalft.assets import PROBE
from mentalft.config.forgetting import ForgettingConfig
from mentalft.data.read.compressed import inner_suffix, opened
from mentalft.data.read.reading import records_in
from mentalft.data.read.sources import local_files
from mentalft.data.read.tables import csv_rows
from mentalft.errors import DataError
from mentalft.files import read_jsonl, sha256_json
from mentalft.forgetting.forms import CHINESE
from mentalft.forgetting.records import ProbeItem
from mentalft.records import Rejected
from mentalft.words import Said

CHOICE = "choice"
OWN = "own"
"""The part of ``forgetting.path``."""
KEY = "forgetting.path"
PARTS = ("choice_en", "choice_zh", "instructions_en", "instructions_zh", "arithmetic", "stopping")
"""Of the embedded probe, a file each."""
LETTERS = string.ascii_uppercase[:10]
ASKED = {
    "en": "{question}\n{options}\nAnswer with the letter of the right option only.",
    "zh": "{question}\n{options}\n只回答正确选项的字母。",
}


class Probe(NamedTuple):
    items: list[ProbeItem]
    notes: list[Said]
    """What of the user's own file is not asked, and why."""


def probe_of(cfg: ForgettingConfig) -> Probe:
    """The items to ask, part by part; of each part those that a hash of their ids picks, where ``cfg.items`` is less.

    Raises:
        DataError: ``cfg.path`` cannot be read, or holds no question that can be asked.
    """
    parts = {part: [_embedded(part, row) for row in read_jsonl(PROBE / f"{part}.jsonl")] for part in PARTS}
    notes = []
    if cfg.path:
        parts[OWN], problems = own_items(cfg.path)
        if problems:
            values = {"count": len(problems), "first": problems[0].said}
            notes.append(Said("forgetting.not_usable", values))
    return Probe([item for of in parts.values() for item in _sample(of, cfg.items)], notes)


def own_items(path: str) -> tuple[list[ProbeItem], list[Rejected]]:
    """The choice questions of a file or folder, and the records that are none.

    Raises:
        DataError: there is no such file, or not one record can be used.
    """
    items, problems = [], []
    for file in local_files(path, key=KEY):
        for number, record in enumerate(_records(file), 1):
            made = _choice(record)
            if isinstance(made, str):
                problems.append(Rejected(file.name, number, made))
            else:
                items.append(_item(f"{file.name.partition('.')[0]}-{number}", OWN, *made))
    if not items:
        first = f" (record {problems[0].record} of {problems[0].file}: {problems[0].reason})" if problems else ""
        raise DataError(
            f"{KEY}={path}: not one choice question{first}; give a table, JSON or JSON lines with question, A, B, C, D "
            "and answer, or with question, choices and answer, or MMLU's CSV without a head"
        )
    return items, problems


def _embedded(part: str, row: dict[str, Any]) -> ProbeItem:
    if not part.startswith(CHOICE):
        return ProbeItem(row["id"], part, row["prompt"], row["form"], row["given"])
    made = _choice(row)
    assert not isinstance(made, str), row  # the package's own
    return _item(row["id"], part, *made)


def _item(name: str, part: str, question: str, options: list[str], answer: int) -> ProbeItem:
    listed = "\n".join(f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False))
    text = ASKED["zh" if CHINESE.search(question) else "en"].format(question=question, options=listed)
    return ProbeItem(name, part, text, CHOICE, {"options": len(options), "answer": answer})


def _records(path: Path) -> Iterator[Any]:
    """Records of any file that corpora come in; of a CSV without a head, as MMLU's are, by the places of its cells."""
    if inner_suffix(path) != ".csv":
        yield from (raw.problem or raw.value for raw in records_in(path))
        return
    with opened(path) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text:
        rows = csv_rows(text, ",")
        head = next((row for row in rows if row), None) or []
        has_names = "question" in {cell.strip().lower() for cell in head}
        names = head if has_names else ["question", *LETTERS[: len(head) - 2], "answer"]
        for row in rows if has_names else (head, *rows):
            yield dict(zip(names, row, strict=False)) if row else "a quotation mark is not closed"


def _choice(record: Any) -> tuple[str, list[str], int] | str:
    """Question, options and the place of the right one; or what is wrong with the record."""
    if not isinstance(record, dict):
        return record if isinstance(record, str) else "is no record with names"
    fields = {str(name).strip().lower(): value for name, value in record.items()}
    question = fields.get("question")
    listed = fields.get("choices", fields.get("options"))
    if not isinstance(listed, list):
        letters = [letter.lower() for letter in LETTERS if fields.get(letter.lower()) not in (None, "")]
        listed = [fields[letter] for letter in letters]
    options = [str(option).strip() for option in listed]
    if not isinstance(question, str) or not question.strip():
        return "has no question"
    if not 2 <= len(options) <= len(LETTERS):
        return f"has {len(options)} options; there must be 2 to {len(LETTERS)}"
    answer = fields.get("answer")
    place = _place(answer)
    if place is None or place >= len(options):
        return "has no answer" if answer in (None, "") else f"has the answer {answer!r}, which is none of its options"
    return question.strip(), options, place


def _place(answer: Any) -> int | None:
    """Of a letter, or a number that counts from 0."""
    text = str(answer).strip().upper()
    if re.fullmatch(f"[{LETTERS}]", text):
        return LETTERS.index(text)
    return int(text) if re.fullmatch(r"\d", text) else None


def _sample(items: list[ProbeItem], most: int | None) -> list[ProbeItem]:
    if most is None or most >= len(items):
        return items
    taken = set(sorted((item.id for item in items), key=sha256_json)[:most])
    return [item for item in items if item.id in taken]
