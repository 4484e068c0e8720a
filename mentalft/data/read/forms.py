"""What a record holds, as raw turns; anything else is a reason to set it aside.

Every record is read by the names of its fields (:mod:`mentalft.data.read.fields`), whatever it came in; the forms below
are names for what is usual. ``docs/data.md`` has a sample of each.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from mentalft.data.read.fields import ROLE_OF, Columns, Fields, is_empty, plain_name, role_of

SEVERAL = ("answer", "answers", "references")
"""Fields in which a list holds good answers to one question."""
BESIDE = ("system", "history", "answer", "references")
"""What may stand beside turns and be one of them."""
USUAL = {"messages": "soulchat", "conversation": "emollm", "conversations": "sharegpt", "dialog": "esconv"}
"""The field of the turns → the form that is known by it."""
NOT_GOOD = "its label is false: preference data says that the answer is not good"
TEMPLATES = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r"<\|im_start\|>(?P<role>\w+)\n(?P<text>.*?)(?:<\|im_end\|>|\Z)",  # ChatML: Qwen, Yi, SmolLM2
        r"<\|start_header_id\|>(?P<role>\w+)<\|end_header_id\|>(?P<text>.*?)(?:<\|eot_id\|>|\Z)",  # LLaMA 3
        r"<start_of_turn>(?P<role>\w+)\n(?P<text>.*?)(?:<end_of_turn>|\Z)",  # Gemma
        r"<[|｜](?P<role>(?i:user|assistant|system))[|｜]>(?P<text>.*?)(?=<[|｜]|\Z)",  # GLM, DeepSeek
        r"(?:\[(?P<role>INST)\]|\[/INST\])(?P<text>.*?)(?=\[/?INST\]|</s>|\Z)",  # LLaMA 2, Mistral
    )
)
"""Turns in text that a chat template made."""
LONGEST_OPENING = 40
"""Characters that may stand before the first of them: a token that begins the sequence."""
QUESTION = ("instruction", "title", "question", "description")
"""Parts that together are what is asked."""
LEARNT = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}


class NotADialogue(ValueError):
    """A record that cannot be used: ``reason`` for people, ``field`` where it is."""

    def __init__(self, reason: str, field: str | None = None) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.reason, self.field = reason, field


class Draft(NamedTuple):
    """A record's turns before repair."""

    id: Any
    topic: Any
    turns: list[tuple[Any, Any]]
    """(role, content) as found."""
    where: str | list[str]
    """Name of each turn's field, or one for all with ``{}`` for its position."""
    references: tuple[str, ...] = ()
    """Further good answers to the last turn."""
    unlearnt: frozenset[int] = frozenset()
    """Positions of turns that are shown to the model and not learnt from."""
    unread: tuple[str, ...] = ()
    """Fields that hold something and were not read."""

    def place(self, position: int) -> str:
        """What the field of a turn is called."""
        return self.where.format(position) if isinstance(self.where, str) else self.where[position]


class Form(NamedTuple):
    """A form of records."""

    read: Callable[[Any, Columns], Draft]
    of: type
    """What a record is: ``dict``, ``list`` or ``str``."""
    mark: Callable[[Any], bool] | None = None
    """Whether a record carries what a form of its own (:func:`form`) is known by."""


def form(
    name: str, mark: Callable[[Any], bool], of: type = dict
) -> Callable[[Callable[[Any], Draft]], Callable[[Any], Draft]]:
    """Register a reader for records that the table of names does not do justice to."""

    def register(read: Callable[[Any], Draft]) -> Callable[[Any], Draft]:
        FORMS[name] = Form(lambda record, _: read(record), of, mark)
        return read

    return register


def names() -> tuple[str, ...]:
    """What ``data.format`` may be."""
    return ("auto", *FORMS)


def read_record(record: Any, columns: Columns = ()) -> Draft:
    """A record by the names of its fields; a list of turns, or a transcript, that is a record of its own.

    Raises:
        NotADialogue: a field is not what its name says, or there are neither turns nor a question and an answer.
    """
    if not isinstance(record, dict):
        return Turns().read(record, "turn").draft(None, None)
    fields = Fields(record, columns=columns)
    check_label(fields)
    name, topic, turns = fields.take("id"), topic_of(fields), take_turns(fields)
    if turns and (pairs := _plain_pairs(turns[1])) and not any(map(fields.name, BESIDE)):
        return Draft(name, topic, pairs, f"{turns[0]}[{{}}]", (), frozenset(), tuple(fields.left()))
    found = asked(fields, turns)
    references = found.answer(fields)
    if turns is None and not any(role_of(role) == "assistant" for role, _ in found.turns):
        raise _lacking(fields, "answer" if found.turns else "question")
    return found.draft(name, topic, references, fields.left())


def check_label(fields: Fields) -> None:
    """Raise :class:`NotADialogue` where the record is an answer that is said not to be good, as in KTO data."""
    name = fields.name("label")
    said = None if name is None else str(fields.record[name]).lower()
    if said in ("true", "false"):
        fields.take("label")
    if said == "false":
        raise NotADialogue(NOT_GOOD, name)


def take_turns(fields: Fields) -> tuple[str, Any] | None:
    """The field that holds the turns, and what it holds; None where there is none."""
    for name in fields.layout.get("turns", ()):
        value = unpacked(fields.record[name])
        if (value and isinstance(value, list | dict)) or (isinstance(value, str) and is_transcript(value)):
            fields.taken.add(name)
            return name, value
    return None


def asked(fields: Fields, turns: tuple[str, Any] | None) -> Turns:
    """System message, history, and the turns or the question of a record.

    Raises:
        NotADialogue: one of them is not what its name says.
    """
    found = Turns()
    found.instruct(fields)
    if name := fields.name("history"):
        found.read(fields.take("history"), name)
    if turns is not None:
        return found.read(turns[1], turns[0])
    texts = []
    for part in QUESTION:
        if name := fields.name(part):
            value = fields.take(part)
            if is_turns(value):
                found.read(value, name)
            else:
                texts.append((value, name))
    if texts:
        found.say("user", [text for text, _ in texts], texts[0][1])
    return found


class Turns:
    """Turns as they are found, with what is not read in them."""

    def __init__(self) -> None:
        self.turns: list[tuple[Any, Any]] = []
        self.where: list[str] = []
        self.unlearnt: set[int] = set()
        self.unread: dict[str, None] = {}

    def draft(self, name: Any, topic: Any, references: tuple[str, ...] = (), unread: Iterable[str] = ()) -> Draft:
        """The record, with the fields that hold something and were not read."""
        unread = tuple(dict.fromkeys((*self.unread, *unread)))
        return Draft(name, topic, self.turns, self.where, references, frozenset(self.unlearnt), unread)

    def say(self, role: Any, content: Any, where: str, *, learnt: bool = True) -> None:
        """Add one turn; parts of a text become one."""
        content = _joined(content, where) if isinstance(content, list) else content
        if not isinstance(content, str):
            raise NotADialogue(f"must be text, got {kind(content)}", where)
        if not learnt:
            self.unlearnt.add(len(self.turns))
        self.turns.append((role, content))
        self.where.append(where)

    def instruct(self, fields: Fields) -> None:
        """Put the system message of a record or of an exchange first, unless another one or the same stands there."""
        if (name := fields.name("system")) is None:
            return
        text = fields.take("system")
        if not self.turns or self.turns[0][0] == "system":
            if ("system", text) not in self.turns:
                self.say("system", text, name)
            return
        self.turns.insert(0, ("system", text))
        self.where.insert(0, name)
        self.unlearnt = {position + 1 for position in self.unlearnt}

    def read(self, value: Any, where: str) -> Turns:
        """Take in turns, exchanges or marked lines as a list, a transcript, or any of them as JSON text."""
        value = unpacked(value)
        if isinstance(value, str) and is_transcript(value):
            for number, (role, text) in enumerate(transcript(value)):
                self.say(role, text, f"{where}[{number}]")
            return self
        if isinstance(value, dict):
            inner = take_turns(Fields(value))
            where, value = inner or (where, [value])
        if not isinstance(value, list):
            raise NotADialogue(f"must be a list, got {kind(value)}", where)
        for position, turn in enumerate(value):
            self._turn(turn, f"{where}[{position}]")
        return self

    def _turn(self, turn: Any, where: str) -> None:
        if isinstance(turn, str) and (speaker := marked(turn))[0]:
            self.say(*speaker, where)
            return
        if isinstance(turn, list | tuple) and len(turn) == 2:  # [question, answer]
            turn = {"question": turn[0], "answer": turn[1]}
        fields = Fields(turn if isinstance(turn, dict) else {}, "turn")
        if {"role", "content"} <= fields.layout.keys():
            self._speech(fields, where)
        elif not fields.layout.keys().isdisjoint(("question", "answer")):
            self.instruct(fields)
            learnt = _is_learnt(fields)
            question = [t for part in QUESTION if (t := fields.take(part)) is not None]
            self.say("user", question, where)
            self.say("assistant", fields.take("answer") or "", where, learnt=learnt)
        else:
            raise NotADialogue(f'must be an object with "role" and "content", got {kind(turn)}', where)
        self.unread.update(dict.fromkeys(fields.left()))

    def _speech(self, fields: Fields, where: str) -> None:
        role, content = fields.layout["role"][0], fields.layout["content"][0]
        fields.taken |= {role, content}
        text = fields.record[content]
        if not text and fields.name("calls"):
            raise NotADialogue("calls a tool and says nothing; tool calls are not read", where)
        if isinstance(text, str | list):
            self.say(fields.record[role], text, where, learnt=_is_learnt(fields))
        else:
            raise NotADialogue(f"must be text, got {kind(text)}", f"{where}.{content}")

    def answer(self, fields: Fields) -> tuple[str, ...]:
        """Say the answer, where the turns end without one; what is left are further good answers.

        Raises:
            NotADialogue: an answer is no text, or there is no knowing which of several is good.
        """
        good: list[str] = []
        place = ""
        for part in ("answer", "references"):
            if (name := fields.name(part)) is None or (part == "answer" and self._is_answered()):
                continue
            value = fields.take(part)
            if part == "answer" and (is_turns(value) or (not self.turns and is_transcript(value))):
                self._join(Turns().read(value, name))
            else:
                good, place = [*good, *good_answers(value, name)], place or name
        if self.turns and good and not self._is_answered():
            self.say("assistant", good.pop(0), place)
        return tuple(good)

    def _is_answered(self) -> bool:
        return bool(self.turns) and role_of(self.turns[-1][0]) == "assistant"

    def _join(self, other: Turns) -> None:
        """Go on with other turns; where they hold a question, they are the whole conversation once more."""
        if any(role_of(role) == "user" for role, _ in other.turns):
            kept = int(bool(self.turns) and self.turns[0][0] == "system")
            del self.turns[kept:], self.where[kept:]
            self.unlearnt.clear()
        self.unlearnt |= {len(self.turns) + position for position in other.unlearnt}
        self.turns += other.turns
        self.where += other.where
        self.unread |= other.unread


def is_turns(value: Any) -> bool:
    """Whether an answer or a question is given as messages."""
    first = value[0] if isinstance(value, list) and value else value
    return isinstance(first, dict) and {"role", "content"} <= Fields(first, "turn").layout.keys()


def good_answers(value: Any, name: str) -> list[str]:
    """The good answers in a field: one, or those of a list where its name says that all of them are good."""
    several = plain_name(name) in SEVERAL
    if several and isinstance(found := unpacked(value), list):
        value = found
    if isinstance(value, list) and len(value) > 1 and not several:
        raise NotADialogue(
            'holds several: good ones belong under "answers", a good and a bad one under "chosen" and "rejected"', name
        )
    answers = []
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict):
            fields = Fields(one, "turn")
            one = next((v for part in ("answer", "content") if (v := fields.take(part)) is not None), None)  # noqa: PLW2901
        if is_empty(one):
            continue
        if not isinstance(one, str):
            raise NotADialogue(f"is {kind(one)}, not text", name)
        answers.append(one)
    return answers


def transcript(text: str) -> list[tuple[str, str]]:
    """Turns as a chat template writes them, or lines ``来访者：…`` and ``心理咨询师：…``.

    A line without a name goes on with the turn before it.
    """
    if pattern := _template_of(text):
        roles = {None: "assistant", "INST": "user"}
        turns = [(roles.get(m["role"], m["role"]), m["text"].strip()) for m in pattern.finditer(text)]
    else:
        turns = []
    for line in [] if pattern else text.splitlines():
        role, content = marked(line)
        if role is not None:
            turns.append((role, content))
        elif turns and line.strip():  # what stands before the first turn is a heading
            turns[-1] = (turns[-1][0], f"{turns[-1][1]}\n{line.strip()}")
    return turns if turns and turns[-1][1] else turns[:-1]  # the last may be where an answer was to begin


def is_transcript(text: Any, *, opening: bool = False) -> bool:
    """Whether ``text`` is a conversation with its speakers' names, or as a chat template writes it.

    Args:
        opening: only where an answer is to begin at its end, as in a prompt.
    """
    if not isinstance(text, str):
        return False
    lines = text.split("\n")
    named = [marked(line) for line in (lines[-1:] if opening else lines[:50])]
    return _template_of(text) is not None or any(role and not (opening and said) for role, said in named)


def _template_of(text: str) -> re.Pattern[str] | None:
    return next((p for p in TEMPLATES if (m := p.search(text)) and m.start() < LONGEST_OPENING), None)


def marked(line: str) -> tuple[str | None, str]:
    """(role, text) of a line that begins with a speaker's name and a colon; (None, line) of another."""
    name, colon, text = line.strip().replace(":", "：", 1).partition("：")
    name = name.strip(" *#【】[]")
    return (name, text.lstrip("*").strip()) if colon and name.lower() in ROLE_OF else (None, line)


def format_of(record: Any, columns: Columns = ()) -> str | None:
    """What the form of ``record`` is called; None where it is none that can be read."""
    for name, one in FORMS.items():
        if one.mark and isinstance(record, one.of) and one.mark(record):
            return name
    if isinstance(record, str):
        return "cpsycound" if is_transcript(record) else None
    if isinstance(record, list) and record:
        if all(isinstance(turn, str) and marked(turn)[0] for turn in record[:4]):
            return "cpsycoune"
        return "smilechat" if all(isinstance(turn, dict) and is_turns(turn) for turn in record) else None
    return _format_of_object(Fields(record, columns=columns)) if isinstance(record, dict) else None


def _format_of_object(fields: Fields) -> str | None:
    if turns := take_turns(fields):
        return USUAL.get(plain_name(turns[0]), "esconv" if turns[0] == "text" else "chatml")
    parts = fields.layout.keys()
    if not parts.isdisjoint(("answer", "references")) and not parts.isdisjoint(QUESTION):
        return "psyqa" if "references" in parts else "alpaca" if "instruction" in parts else "table"
    if (value := fields.take("answer")) is not None and (is_turns(value) or is_transcript(value)):
        return "chatml"
    return next((USUAL[known] for name in fields.layout.get("turns", ()) if (known := plain_name(name)) in USUAL), None)


def is_object(name: str | None) -> bool:
    """Whether a record of that form is an object; a bare list or text may be the inside of another one."""
    return name is not None and FORMS[name].of is dict


def kind(value: Any) -> str:
    """What ``value`` is, for a message."""
    names = {type(None): "null or nothing", bool: "true/false", int: "a number", float: "a number", str: "text"}
    return {list: "a list", dict: "an object", **names}.get(type(value), type(value).__name__)


def unpacked(value: Any) -> Any:
    """What a text that is a list or an object as JSON, or as Python writes it, holds; another value as it is."""
    if not isinstance(value, str) or not value.lstrip().startswith(("[", "{")):
        return value
    with warnings.catch_warnings(action="ignore"):
        for parse in (json.loads, ast.literal_eval):
            try:
                return parse(value.strip())
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                continue
    return value


def _lacking(fields: Fields, part: str) -> NotADialogue:
    """Why a record has no question, or no answer."""
    for name in fields.layout.get("turns", ()) if part == "question" else ():
        value = fields.record[name]
        return NotADialogue("there are no messages" if value == [] else f"must be a list, got {kind(value)}", name)
    parts = QUESTION if part == "question" else ("answer", "references")
    named = next((name for one in parts for name in fields.layout.get(one, ())), None)
    if named is None:
        return NotADialogue("there are neither turns nor a question and an answer")
    return NotADialogue(f"there is no {part} with text", named)


def topic_of(fields: Fields) -> Any:
    """The topic; of several, the first."""
    name, topic = fields.name("topic"), fields.take("topic")
    if isinstance(topic, str) and plain_name(name) in ("keywords", "关键词"):
        topic = topic.replace("，", ",").split(",")
    return topic[0] if isinstance(topic, list) else topic


def _plain_pairs(turns: Any) -> list[tuple[Any, str]] | None:
    """(role, content) of turns that have these two and nothing else."""
    try:
        pairs = [(turn["role"], turn["content"]) for turn in turns]
    except (KeyError, TypeError, IndexError):
        return None
    return None if max(map(len, turns)) != 2 or [c for _, c in pairs if type(c) is not str] else pairs


def _is_learnt(fields: Fields) -> bool:
    said = {name: str(fields.record[name]).lower() for name in fields.layout.get("learnt", ())}
    fields.taken |= {name for name, value in said.items() if value in LEARNT}
    return all(LEARNT.get(value, True) for value in said.values())


def _joined(parts: list[Any], where: str) -> str:
    """The text of a content that is given in parts."""
    texts = []
    for part in parts:
        is_text = isinstance(part, dict) and str(part.get("type", "text")).endswith("text")
        text = part.get("text") if is_text else part
        if not isinstance(text, str):
            shown = f"a part of type {text.get('type')!r}" if isinstance(text, dict) else kind(text)
            raise NotADialogue(f"must be text, got {shown}", where)
        texts.append(text)
    return "\n".join(texts)


_OBJECTS = ("soulchat", "chatml", "emollm", "sharegpt", "esconv", "psyqa", "alpaca", "table")
FORMS: dict[str, Form] = {
    **{name: Form(read_record, dict) for name in _OBJECTS},
    **{name: Form(read_record, list) for name in ("smilechat", "cpsycoune")},
    "cpsycound": Form(read_record, str),
}
"""By name; what a record's fields are called decides how it is read, so the forms of objects differ in name alone."""
