"""Files of questions or of answers that somebody else wrote: JSON, JSONL or CSV, read past what is wrong in them.

A JSON object maps question to answer; a list, JSONL lines and CSV rows are records with ``question`` (or ``messages``
that end with the user) and ``answer``, ``answers``, ``references``, ``response`` or ``text``, and perhaps ``id``,
``topic`` and ``system``. So what mentalft writes itself (``responses/*.jsonl``, ``items.jsonl``) is read as well.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mentalft.data.prompts import with_system
from mentalft.errors import DataError
from mentalft.files import sha256_json
from mentalft.records import Item, Message, Rejected

ANSWER_KEYS = ("references", "answers", "answer", "response", "text")
ROLES = ("system", "user", "assistant")


class Entry(NamedTuple):
    """One record: what was asked, as far as it says so, and what was answered, of whatever type that is."""

    record: int
    """Counted from 1, in the order of the file."""
    id: str | None
    topic: str | None
    messages: tuple[Message, ...]
    """Empty where the record holds no question."""
    answer: Any
    fields: dict[str, Any]
    """The whole record; empty where the file maps questions to answers."""


def read_questions(path: Path, key: str, system_message: str | None) -> tuple[list[Item], list[Rejected]]:
    """The items of a question file, each a cluster of its own, and the records that cannot be used.

    Args:
        key: the configuration key that holds ``path``, for messages.
        system_message: put before questions that have none of their own.

    Raises:
        DataError: the file cannot be read, or not one record can be used.
    """
    items: dict[str, Item] = {}
    problems = []
    asked: set[str] = set()
    for entry in read_entries(path, key):
        made = entry if isinstance(entry, Rejected) else _item(entry, path, system_message)
        if isinstance(made, Item) and (made.id in items or (question := key_of(made.messages)) in asked):
            what = f"id {made.id!r} is there" if made.id in items else "the same question is there"
            made = Rejected(path.name, entry.record, f"{what} already; the first one counts")
        if isinstance(made, Rejected):
            problems.append(made)
        else:
            items[made.id] = made
            asked.add(question)
    if not items:
        reason = f" (record {problems[0].record}: {problems[0].reason})" if problems else ""
        raise DataError(f"{key}={path}: not one question with an answer in {len(problems)} records{reason}")
    return list(items.values()), problems


def key_of(messages: tuple[Message, ...]) -> str:
    """What two files must share to be about one question: its turns, without white space around them and a system
    message."""
    return sha256_json([[m.role, m.content.strip()] for m in messages if m.role != "system"])


def read_entries(path: Path, key: str) -> Iterator[Entry | Rejected]:
    """The records of a file; those that are no records as :class:`Rejected`.

    Raises:
        DataError: there is no such file, or it is neither JSON nor JSONL nor CSV.
    """
    if not path.is_file():
        raise DataError(f"{key}={path} does not exist; give a JSON, JSONL or CSV file")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{key}={path} is not UTF-8 ({error.reason} at byte {error.start}); convert it") from error
    rows = _rows(path, text, key)
    for number, row in enumerate(rows, 1):
        if isinstance(row, _Unreadable):
            yield Rejected(path.name, number, row.reason)
        elif isinstance(row, tuple):  # question and answer
            question = _text(row[0]).strip()
            yield Entry(number, None, None, (Message("user", question),) if question else (), row[1], {})
        elif isinstance(row, dict):
            yield _entry(path, number, row)
        else:
            yield Rejected(path.name, number, f"is {_kind(row)}, not a record with a question and an answer")


class _Unreadable(NamedTuple):
    reason: str


class _Pairs(list[tuple[str, Any]]):
    """The members of a JSON object, with the keys that are there twice."""


def _rows(path: Path, text: str, key: str) -> Iterator[Any]:
    if path.suffix.lower() == ".csv":
        yield from csv.DictReader(text.splitlines(keepends=True))
        return
    if path.suffix.lower() not in (".jsonl", ".ndjson"):
        try:
            whole = json.loads(text, object_pairs_hook=_Pairs)
        except (json.JSONDecodeError, RecursionError) as error:
            if text.count("\n") < 1 or not text.lstrip().startswith("{"):
                raise DataError(f"{key}={path}: neither JSON nor JSONL ({error}); mend it") from error
        else:
            if isinstance(whole, _Pairs) and not {name for name, _ in whole} & {"question", "messages"}:
                yield from ((name, _plain(value)) for name, value in whole)
            else:
                yield from (_plain(row) for row in (whole if type(whole) is list else [whole]))
            return
    for line in text.splitlines():
        if line.strip():
            try:
                yield json.loads(line)
            except (json.JSONDecodeError, RecursionError) as error:
                yield _Unreadable(f"is not JSON ({error})")


def _plain(value: Any) -> Any:
    if isinstance(value, _Pairs):
        return {name: _plain(member) for name, member in value}
    return [_plain(member) for member in value] if isinstance(value, list) else value


def _entry(path: Path, number: int, row: dict[str, Any]) -> Entry | Rejected:
    found = row.get("messages", row.get("history"))
    if found is not None:
        messages = _messages(found)
        if messages is None or not messages or messages[-1].role != "user":
            return Rejected(path.name, number, "is not a list of turns that ends with the user", "messages")
    else:
        question = row.get("question")
        if question is not None and not isinstance(question, str):
            return Rejected(path.name, number, f"is {_kind(question)}, not text", "question")
        messages = (Message("user", _text(question).strip()),) if question and question.strip() else ()
    system = row.get("system")
    if messages and isinstance(system, str) and system.strip():
        messages = tuple(with_system(messages, _text(system)))
    given, topic = row.get("id"), row.get("topic")
    return Entry(
        number,
        None if given in (None, "") else _text(str(given)),
        _text(topic) if isinstance(topic, str) and topic else None,
        messages,
        next((row[name] for name in ANSWER_KEYS if row.get(name) not in (None, "")), _first_given(row)),
        row,
    )


def _first_given(row: dict[str, Any]) -> Any:
    """An answer that is there but empty is an empty answer; one that is not there is None."""
    return next((row[name] for name in ANSWER_KEYS if name in row), None)


def _messages(found: Any) -> tuple[Message, ...] | None:
    if not isinstance(found, list):
        return None
    if not all(isinstance(m, dict) and m.get("role") in ROLES and isinstance(m.get("content"), str) for m in found):
        return None
    return tuple(Message(m["role"], _text(m["content"])) for m in found)


def _item(entry: Entry, path: Path, system_message: str | None) -> Item | Rejected:
    if not entry.messages:
        return Rejected(path.name, entry.record, "has no question")
    answers = entry.answer
    if isinstance(answers, str) and answers.lstrip().startswith("[") and path.suffix.lower() == ".csv":
        try:
            answers = json.loads(answers)
        except json.JSONDecodeError:
            answers = [answers]
    answers = answers if isinstance(answers, list) else [answers]
    wrong = next((a for a in answers if not isinstance(a, str)), "")
    if not isinstance(wrong, str):
        return Rejected(path.name, entry.record, f"has an answer that is {_kind(wrong)}, not text")
    references = tuple(dict.fromkeys(_text(a).strip() for a in answers if a.strip()))
    if not references:
        return Rejected(path.name, entry.record, "has no answer to compare with")
    name = entry.id or key_of(entry.messages)[:12]
    cluster = entry.fields.get("dialogue_id")
    return Item(
        id=name,
        dialogue_id=cluster if isinstance(cluster, str) and cluster else name,
        topic=entry.topic,
        messages=tuple(with_system(entry.messages, system_message)),
        references=references,
    )


def _text(value: str) -> str:
    """``value`` without what UTF-8 cannot hold (half of a surrogate pair)."""
    return value.encode("utf-8", "replace").decode("utf-8")


def _kind(value: Any) -> str:
    return {dict: "an object", list: "a list", bool: "true or false", int: "a number", float: "a number"}.get(
        type(value), "null" if value is None else "text"
    )
