"""Files of questions or of answers that somebody else wrote, read past what is wrong in them.

They are read as corpora are (:mod:`mentalft.data.read.reading`). A JSON object maps question to answer; members of a
list, JSON lines and rows of a table are records with ``question`` (or ``messages``
that end with the user) and ``answer``, ``answers``, ``references``, ``response`` or ``text``, and perhaps ``id``,
``topic`` and ``system``. So what mentalft writes itself (``responses/*.jsonl``, ``items.jsonl``) is read as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mentalft.data.prompts import with_system
from mentalft.data.read.blocks import is_array
from mentalft.data.read.compressed import inner_suffix, opened
from mentalft.data.read.encoding import check_file
from mentalft.data.read.reading import records_in
from mentalft.data.read.scanning import Raw
from mentalft.data.read.tables import TABLES
from mentalft.data.thinking import apart
from mentalft.errors import DataError
from mentalft.files import sha256_json
from mentalft.records import Item, Message, Rejected

ANSWER_KEYS = ("references", "answers", "answer", "response", "text")
FILES = "a JSON, JSON lines, CSV, TSV or Parquet file (.gz and .zst too)"
LINES = (".jsonl", ".ndjson")
ROLES = ("system", "user", "assistant")
FORMS = (
    "a JSON object {question: answer}, or records with question and answer as a JSON list, JSON lines or a table with "
    "a head (CSV, TSV, Parquet)"
)
SHOWN = 40
"""Characters of a question that a message shows."""


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
        if isinstance(made, Item) and ((question := key_of(made.messages)) in asked or made.id in items):
            what = named(made.messages, None) if question in asked else f"id {made.id!r}"
            made = Rejected(path.name, entry.record, f"{what} is there already; the first one counts")
        if isinstance(made, Rejected):
            problems.append(made)
        else:
            items[made.id] = made
            asked.add(question)
    if not items:
        first = f" in {len(problems)} records (record {problems[0].record}: {problems[0].reason})" if problems else ""
        raise DataError(f"{key}={path}: not one question with an answer{first}; give {FORMS}")
    return list(items.values()), problems


def named(messages: tuple[Message, ...], given_id: str | None) -> str:
    """What a message calls a question: its id, where the file gives one, and how its last turn begins."""
    text = " ".join(messages[-1].content.split()) if messages else ""
    short = text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
    if not given_id or (messages and given_id == _made_id(messages)):
        return f"'{short}'"
    return f"id {given_id!r} ('{short}')" if short else f"id {given_id!r}"


def key_of(messages: tuple[Message, ...]) -> str:
    """What two files must share to be about one question: its turns, without white space around them and a system
    message."""
    return sha256_json([[m.role, m.content.strip()] for m in messages if m.role != "system"])


def read_entries(path: Path, key: str) -> Iterator[Entry | Rejected]:
    """The records of a file; those that are no records as :class:`Rejected`.

    Raises:
        DataError: there is no such file, it is empty or not in UTF-8, or it holds no records.
    """
    check_file(path, key, FILES)
    for number, raw in enumerate(_rows(path, key), 1):
        row = raw.value
        if raw.problem:
            yield Rejected(path.name, number, raw.problem, offset=raw.offset)
        elif isinstance(row, tuple):  # question and answer
            question = _text(row[0]).strip()
            yield Entry(number, None, None, (Message("user", question),) if question else (), row[1], {})
        elif isinstance(row, dict):
            yield _entry(path, number, row)
        else:
            yield Rejected(path.name, number, f"is {kind_of(row)}, not a record with a question and an answer")


class _Pairs(list[tuple[str, Any]]):
    """The members of a JSON object, with the keys that are there twice."""


def _rows(path: Path, key: str) -> Iterator[Raw]:
    """Records, and of an object that maps questions to answers, its members."""
    by_line = inner_suffix(path) in (*TABLES, *LINES)
    if by_line or is_array(path):
        return records_in(path)
    with opened(path) as handle:
        data = handle.read()
    try:
        text = data.decode("utf-8-sig")
        whole = json.loads(text, object_pairs_hook=_Pairs)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{key}={path} is not in UTF-8 ({error.reason} at byte {error.start}); mend it there"
        ) from error
    except (json.JSONDecodeError, RecursionError) as error:
        if text.count("\n") < 1 or not text.lstrip().startswith("{"):
            raise DataError(f"{key}={path}: neither JSON nor JSONL ({error}); mend it") from error
        return records_in(path)
    if not isinstance(whole, _Pairs):
        raise DataError(f"{key}={path} holds {kind_of(whole)}; give {FORMS}")
    if {name for name, _ in whole} & {"question", "messages"}:
        return iter([Raw(None, _plain(whole))])
    return (Raw(None, (name, _plain(value))) for name, value in whole)


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
            return Rejected(path.name, number, f"is {kind_of(question)}, not text", "question")
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
    if isinstance(answers, str) and answers.lstrip().startswith("[") and inner_suffix(path) in TABLES:
        try:
            answers = json.loads(answers)
        except json.JSONDecodeError:
            answers = [answers]
    answers = answers if isinstance(answers, list) else [answers]
    wrong = next((a for a in answers if not isinstance(a, str)), "")
    if not isinstance(wrong, str):
        return Rejected(path.name, entry.record, f"has an answer that is {kind_of(wrong)}, not text")
    references = tuple(dict.fromkeys(found for a in answers if (found := apart(_text(a)).answer)))
    if not references:
        return Rejected(path.name, entry.record, "has no answer to compare with")
    name = entry.id or _made_id(entry.messages)
    cluster = entry.fields.get("dialogue_id")
    return Item(
        id=name,
        dialogue_id=cluster if isinstance(cluster, str) and cluster else name,
        topic=entry.topic,
        messages=tuple(with_system(entry.messages, system_message)),
        references=references,
    )


def _made_id(messages: tuple[Message, ...]) -> str:
    """The id of a question that has none in its file."""
    return key_of(messages)[:12]


def _text(value: str) -> str:
    """``value`` without what UTF-8 cannot hold (half of a surrogate pair)."""
    return value.encode("utf-8", "replace").decode("utf-8")


def kind_of(value: Any) -> str:
    return {dict: "an object", list: "a list", bool: "true or false", int: "a number", float: "a number"}.get(
        type(value), "null" if value is None else "text"
    )
