"""Files of questions or of answers that somebody else wrote, read past what is wrong in them.

They are read as corpora are, by the same names of fields (:mod:`mentalft.data.read.fields`) and a few more: what
mentalft writes itself (``responses/*.jsonl``, ``items.jsonl``, ``data/test.jsonl``) and what LLaMA-Factory, ms-swift
and lm-eval write is read as well. A JSON object that is no record maps questions to answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from mentalft.console import say
from mentalft.data.prompts import with_system
from mentalft.data.read.compressed import COMPRESSED, check_file, inner_suffix, opened
from mentalft.data.read.encoding import name_of
from mentalft.data.read.fields import Fields, is_empty, role_of
from mentalft.data.read.forms import (
    QUESTION,
    NotADialogue,
    Turns,
    asked,
    good_answers,
    is_transcript,
    kind,
    take_turns,
    topic_of,
)  # fmt: skip
from mentalft.data.read.layout import layout_of
from mentalft.data.read.reading import records_in
from mentalft.data.read.scanning import Raw
from mentalft.data.read.tables import TABLES
from mentalft.data.thinking import apart
from mentalft.errors import DataError
from mentalft.files import sha256_json
from mentalft.records import Item, Message, Rejected
from mentalft.words import Said

FILES = f"a JSON or JSON lines file or a table ({', '.join(TABLES)}; compressed too: {', '.join(COMPRESSED)})"
LINES = (".jsonl", ".ndjson")
FORMS = (
    "a JSON object {question: answer}, or records with question and answer as a JSON list, JSON lines or a table with "
    "a head"
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
    references: Any
    """What a good answer is, where the record says so apart from its answer."""
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
    problems: list[Rejected] = []
    asked_first: dict[str, str] = {}  # question → id of its first item
    for entry in read_entries(path, key):
        made = entry if isinstance(entry, Rejected) else _item(entry, path, system_message)
        if isinstance(made, Item) and isinstance(entry, Entry):
            question = key_of(made.messages)
            asked_twice = question in asked_first and entry.id is None
            if asked_twice or made.id in items:
                what = named(made.messages, None) if asked_twice else f"id {made.id!r}"
                made = Rejected(path.name, entry.record, f"{what} is there already; the first one counts")
            elif made.dialogue_id == made.id:  # the same question once more is no evidence of its own
                made = replace(made, dialogue_id=asked_first.setdefault(question, made.id))
        if isinstance(made, Rejected):
            problems.append(made)
        else:
            items[made.id] = made
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


@cache
def _say_recoded(what: str, encoding: str) -> None:
    """Once, however often a file is read."""
    say(Said("data.file_recoded", {"what": what, "encoding": encoding}))


def read_entries(path: Path, key: str, side: str = "") -> Iterator[Entry | Rejected]:
    """The records of a file; those that are no records as :class:`Rejected`.

    Args:
        side: whose answers are wanted where a record holds those of several.

    Raises:
        DataError: there is no such file, it is empty or not in UTF-8, or it holds no records.
    """
    check_file(path, key, FILES)
    if codec := layout_of(path).codec:
        _say_recoded(f"{key}={path}", name_of(codec))
    for number, raw in enumerate(_rows(path, key), 1):
        row = raw.value
        if raw.problem:
            yield Rejected(path.name, number, raw.problem, offset=raw.offset)
        elif isinstance(row, tuple):  # question and answer
            question = _text(row[0]).strip()
            yield Entry(number, None, None, (Message("user", question),) if question else (), row[1], None, {})
        elif isinstance(row, dict):
            try:
                yield _entry(number, row, side)
            except NotADialogue as error:
                yield Rejected(path.name, number, error.reason, error.field)
        else:
            yield Rejected(path.name, number, f"is {kind(row)}, not a record with a question and an answer")


def _rows(path: Path, key: str) -> Iterator[Raw]:
    """Records, and of an object that maps questions to answers, its members."""
    if inner_suffix(path) in LINES or layout_of(path).kind in ("table", "array", "wrapped"):
        return records_in(path)
    outermost: list[tuple[str, Any]] = []

    def keep(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        outermost[:] = pairs  # the last one is the outermost; keys that are there twice are still two
        return dict(pairs)

    with opened(path) as handle:
        data = handle.read()
    try:
        text = data.decode("utf-8-sig")
        whole = json.loads(text, object_pairs_hook=keep)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{key}={path} is not in UTF-8 ({error.reason} at byte {error.start}); mend it there"
        ) from error
    except (json.JSONDecodeError, RecursionError) as error:
        if text.count("\n") < 1 or not text.lstrip().startswith("{"):
            raise DataError(f"{key}={path}: neither JSON nor JSONL ({error}); mend it") from error
        return records_in(path)
    if isinstance(whole, list):
        return (Raw(None, member) for member in whole)
    if not isinstance(whole, dict):
        raise DataError(f"{key}={path} holds {kind(whole)}; give {FORMS}")
    if not Fields(whole, "asked").layout.keys().isdisjoint(("turns", *QUESTION)):
        return iter([Raw(None, whole)])
    return (Raw(None, pair) for pair in outermost)


def _entry(number: int, row: dict[str, Any], side: str) -> Entry:
    fields = Fields(row, "asked")
    doc = fields.take("doc")
    turns = take_turns(fields)
    found = asked(Fields(doc, "asked") if isinstance(doc, dict) else fields, turns)
    prompt = _first_text(fields.take("prompts")) if not found.turns else None
    if prompt:
        found.say("user", prompt, "arguments")
    if [role for role, _ in found.turns] == ["user"] and is_transcript(found.turns[0][1], opening=True):
        found = Turns().read(found.turns[0][1], found.where[0])
    messages = tuple(Message(_role(role, found.where[n]), _text(text)) for n, (role, text) in enumerate(found.turns))
    answer = _given(row.get("answers"), fields, side)
    if messages and messages[-1].role == "assistant":
        answer = messages[-1].content if answer is None else answer
        messages = messages[:-1]
    if messages and messages[-1].role != "user":
        raise NotADialogue("is not a list of turns that ends with the user", found.where[-1])
    given, topic = fields.take("id"), topic_of(fields)
    return Entry(
        number,
        None if given in (None, "") else _text(str(given)),
        _text(topic) if isinstance(topic, str) and topic else None,
        tuple(m if m.role == "system" else m._replace(content=m.content.strip()) for m in messages),
        answer,
        fields.take("references"),
        row,
    )


def _given(answers: Any, fields: Fields, side: str) -> Any:
    """The answer of a record. One that is there but empty is an empty answer; one that is not there is None."""
    if isinstance(answers, dict):
        return answers.get(side)
    for name in (fields.name("answer"), *fields.layout.get("answer", ())):
        if name is not None:
            return "" if isinstance(value := fields.record[name], str) and is_empty(value) else value
    return None


def _first_text(value: Any) -> str | None:
    """The text that stands first in nested lists and objects: the prompt in the arguments of a request."""
    while isinstance(value, list | dict) and value:
        value = next(iter(value.values())) if isinstance(value, dict) else value[0]
    return value if isinstance(value, str) else None


def _role(raw: Any, where: str) -> str:
    if (role := role_of(raw)) is None:
        raise NotADialogue("role must be one of those known (user, assistant, client, …)", where)
    return role


def _item(entry: Entry, path: Path, system_message: str | None) -> Item | Rejected:
    if not any(m.role == "user" for m in entry.messages):
        return Rejected(path.name, entry.record, "has no question")
    try:
        good = good_answers(entry.references, "answers") or good_answers(entry.answer, "answers")
    except NotADialogue as error:
        return Rejected(path.name, entry.record, f"has an answer that {error.reason}")
    references = tuple(dict.fromkeys(found for a in good if (found := apart(_text(a)).answer)))
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
