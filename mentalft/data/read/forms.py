"""What a record of each format holds, as raw turns; anything else is a reason to set it aside.

The forms are those of the data sets as published; ``docs/data.md`` has a sample of each.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

SPEAKER_MARKS = ("来访者", "求助者", "心理咨询师", "咨询师", "支持者")
QUESTION_COLUMNS = ("question", "questiontext", "context", "prompt", "input", "instruction", "query", "问题")
ANSWER_COLUMNS = ("answer", "answertext", "response", "output", "completion", "reply", "回答", "答案")
USUAL_COLUMNS = {
    "question": QUESTION_COLUMNS,
    "answer": ANSWER_COLUMNS,
    "title": ("questiontitle",),
    "topic": ("topic", "topics"),
}


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
    where: str
    """Name of a turn's field, with ``{}`` for its position."""
    references: tuple[str, ...] = ()
    """Further good answers to the last turn."""


class Form(NamedTuple):
    """A form of records as its function below declares it."""

    read: Callable[[Any], Draft]
    mark: Callable[[Any], bool]
    """Whether a record carries what this form is known by."""
    of: type
    """What a record is: ``dict``, ``list`` or ``str``."""


FORMS: dict[str, Form] = {}
"""By name, in the order in which they are looked for; ``table`` comes from :func:`table_row`."""


def form(
    name: str, mark: Callable[[Any], bool] = lambda _: False, of: type = dict
) -> Callable[[Callable[[Any], Draft]], Callable[[Any], Draft]]:
    """Register a reader under ``name``; without a ``mark`` it is used only where it is named."""

    def register(read: Callable[[Any], Draft]) -> Callable[[Any], Draft]:
        FORMS[name] = Form(read, mark, of)
        return read

    return register


def names() -> tuple[str, ...]:
    """What ``data.format`` may be."""
    return ("auto", *FORMS, "table")


def _has_list(key: str) -> Callable[[Any], bool]:
    return lambda record: isinstance(record.get(key), list)


@form("chatml")
@form("soulchat", _has_list("messages"))
def _messages(record: Mapping[str, Any]) -> Draft:
    """SoulChatCorpus, PsyDTCorpus, ChatML, OpenAI: ``{"id", "topic", "messages": [{"role", "content"}]}``."""
    turns = _pairs(record, "messages", "role", "content")
    references = record.get("references")
    return Draft(
        record.get("id"),
        record.get("topic", record.get("normalizedTag")),
        turns,
        "messages[{}]",
        tuple(r for r in references if isinstance(r, str)) if isinstance(references, list) else (),
    )


@form("emollm", _has_list("conversation"))
def _emollm(record: Mapping[str, Any]) -> Draft:
    """EmoLLM: ``{"conversation": [{"system"?, "input", "output"}, …]}``; the system text is on the first turn."""
    turns: list[tuple[Any, Any]] = []
    for position, turn in enumerate(_list(record, "conversation")):
        if not isinstance(turn, dict):
            raise NotADialogue(f'must be an object with "input" and "output", got {kind(turn)}', f"[{position}]")
        if position == 0 and turn.get("system"):
            turns.append(("system", turn["system"]))
        turns += [("user", turn.get("input")), ("assistant", turn.get("output"))]
    return Draft(record.get("id"), record.get("topic"), turns, "conversation, text {}")


@form("sharegpt", _has_list("conversations"))
def _sharegpt(record: Mapping[str, Any]) -> Draft:
    """ShareGPT: ``{"conversations": [{"from", "value"}], "system"?}``."""
    turns = _pairs(record, "conversations", "from", "value")
    return Draft(record.get("id"), record.get("topic"), _system(record) + turns, "conversations[{}]")


@form(
    "esconv",
    lambda r: isinstance(r.get("dialog"), list) or str(r.get("text", "")).lstrip().startswith('{"'),
)
def _esconv(record: Mapping[str, Any]) -> Draft:
    """ESConv: ``{"dialog": [{"speaker", "content"}]}``; on the hub, as JSON in ``text``, with ``text`` for content."""
    if "dialog" not in record:
        try:
            record = json.loads(str(record.get("text")))
        except ValueError:
            raise NotADialogue("is no JSON with a dialog in it", "text") from None
    turns = []
    for position, turn in enumerate(_list(record, "dialog")):
        if not isinstance(turn, dict) or "speaker" not in turn:
            raise NotADialogue('must be an object with "speaker" and "content"', f"dialog[{position}]")
        turns.append((turn["speaker"], turn.get("content", turn.get("text"))))
    return Draft(record.get("id"), record.get("problem_type"), turns, "dialog[{}]")


@form("psyqa", lambda r: "answers" in r and "question" in r)
def _psyqa(record: Mapping[str, Any]) -> Draft:
    """PsyQA: ``{"question", "description", "keywords", "questionID", "answers": [{"answer_text"}]}``."""
    asked = [record.get("question"), record.get("description")]
    answers = [a.get("answer_text") if isinstance(a, dict) else a for a in _list(record, "answers")]
    usable = [a for a in answers if isinstance(a, str) and a.strip()]
    if not usable:
        raise NotADialogue("there is no answer with text", "answers")
    question = "\n".join(t for t in asked if isinstance(t, str) and t.strip())
    topic = str(record.get("keywords") or "").replace("，", ",").partition(",")[0]
    turns = [("user", question), ("assistant", usable[0])]
    return Draft(record.get("questionID"), topic, turns, "question and answers, text {}", tuple(usable[1:]))


@form("alpaca", lambda r: {"instruction", "output"} <= r.keys())
def _alpaca(record: Mapping[str, Any]) -> Draft:
    """Alpaca: ``{"instruction", "input", "output", "history"?: [[question, answer]], "system"?}``."""
    turns = _system(record)
    history = record.get("history")
    for position, exchange in enumerate(history if isinstance(history, list) else []):
        if not isinstance(exchange, list) or len(exchange) != 2:
            raise NotADialogue(f"must be [question, answer], got {kind(exchange)}", f"history[{position}]")
        turns += [("user", exchange[0]), ("assistant", exchange[1])]
    asked = [record.get("instruction"), record.get("input")]
    question = "\n".join(t for t in asked if isinstance(t, str) and t.strip())
    turns += [("user", question or None), ("assistant", record.get("output"))]
    return Draft(record.get("id"), record.get("topic"), turns, "instruction, input, output and history, text {}")


@form("cpsycoune", lambda turns: all(isinstance(t, str) and marked(t)[0] for t in turns[:4]), of=list)
@form("smilechat", lambda turns: all(isinstance(turn, dict) and "role" in turn for turn in turns), of=list)
def _turn_list(record: Any) -> Draft:
    """SMILECHAT: ``[{"role", "content"}]``; CPsyCounE: ``["求助者：…", "支持者：…"]``."""
    if not isinstance(record, list):
        raise NotADialogue(f"the record must be a list of turns, got {kind(record)}")
    if record and all(isinstance(turn, str) for turn in record):
        return Draft(None, None, [marked(line) for line in record], "turn {}")
    return Draft(None, None, _pairs({"turns": record}, "turns", "role", "content"), "turn {}")


@form("cpsycound", lambda text: any(marked(line)[0] for line in text.splitlines()[:50]), of=str)
def _transcript(record: Any) -> Draft:
    """CPsyCounD: lines ``来访者：…`` and ``心理咨询师：…``; a line without a mark goes on with the turn before it."""
    turns: list[tuple[Any, Any]] = []
    for line in str(record).splitlines():
        role, content = marked(line)
        if role is not None:
            turns.append((role, content))
        elif turns and line.strip():
            turns[-1] = (turns[-1][0], f"{turns[-1][1]}\n{line.strip()}")
        elif line.strip() and not turns:
            continue  # a heading before the first turn
    return Draft(None, None, turns, "turn {}")


def column_of(part: str, names: Iterable[Any], columns: Mapping[str, str]) -> Any:
    """The column that holds ``part`` of a row: the one named, else one of a usual name, else None."""
    if part in columns:
        return columns[part]
    known = {str(name).strip().lower().replace("_", ""): name for name in names}
    return next((known[usual] for usual in USUAL_COLUMNS.get(part, ()) if usual in known), None)


def table_row(columns: Mapping[str, str]) -> Callable[[Mapping[str, Any]], Draft]:
    """A reader of question/answer rows (CounselChat, MentalChat16K, Amod and the like).

    Args:
        columns: names of the columns for ``question``, ``answer``, and where wanted ``title``, ``system``, ``topic``,
            ``id``; without ``question`` and ``answer``, the names that data sets use are looked for.
    """

    def read(record: Mapping[str, Any]) -> Draft:
        def cell(part: str) -> Any:
            name = column_of(part, record, columns)
            return record.get(name) if name is not None else None

        title, question, answer = cell("title"), cell("question"), cell("answer")
        asked = "\n".join(t for t in (title, question) if isinstance(t, str) and t.strip() and t != "nan")
        system = cell("system")
        turns = [("system", system)] if system else []
        return Draft(cell("id"), cell("topic"), [*turns, ("user", asked), ("assistant", answer)], "cell {}")

    return read


def format_of(record: Any) -> str | None:
    """The format whose mark ``record`` carries; None when it carries none."""
    if not record:
        return None
    for name, one in FORMS.items():
        if isinstance(record, one.of) and one.mark(record):
            return name
    if not isinstance(record, dict):
        return None
    columns = {str(name).strip().lower().replace("_", "") for name in record}
    return "table" if columns & set(QUESTION_COLUMNS) and columns & set(ANSWER_COLUMNS) else None


def is_object(name: str | None) -> bool:
    """Whether a record of that format is an object; a bare list or text may be the inside of another one."""
    return name is not None and (name not in FORMS or FORMS[name].of is dict)


def kind(value: Any) -> str:
    """What ``value`` is, for a message."""
    names = {type(None): "null or nothing", bool: "true/false", int: "a number", float: "a number", str: "text"}
    return {list: "a list", dict: "an object", **names}.get(type(value), type(value).__name__)


def _list(record: Any, name: str) -> list[Any]:
    found = record.get(name) if isinstance(record, Mapping) else None
    if not isinstance(found, list):
        raise NotADialogue(f"must be a list, got {kind(found)}", name)
    return found


def _pairs(record: Mapping[str, Any], name: str, role: str, content: str) -> list[tuple[Any, Any]]:
    try:
        return [(turn[role], turn[content]) for turn in _list(record, name)]
    except (KeyError, TypeError, IndexError):
        for position, turn in enumerate(_list(record, name)):
            if not isinstance(turn, dict) or role not in turn or content not in turn:
                raise NotADialogue(
                    f'must be an object with "{role}" and "{content}", got {kind(turn)}', f"{name}[{position}]"
                ) from None
        raise


def _system(record: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    return [("system", record["system"])] if record.get("system") else []


def marked(line: Any) -> tuple[str | None, str]:
    """(role, text) of a line that begins with a speaker's name and a colon; (None, line) of another."""
    name, colon, text = str(line).strip().replace(":", "：", 1).partition("：")
    return (name.strip(), text.strip()) if colon and name.strip() in SPEAKER_MARKS else (None, str(line))
