"""A block's dialogues, gathered: as they are where they are plainly whole, mended and redacted where need be.

Most records need nothing, so a record is not made into a :class:`Dialogue` until something concerns it. What concerns
it is seen for the whole block at once (:mod:`mentalft.data.clean.screening`).
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mentalft.data.clean import screening
from mentalft.data.clean.privacy import redactor
from mentalft.data.clean.repair import remarks, repaired, thought_out
from mentalft.data.clean.screening import Screened
from mentalft.data.read.forms import FORMS, Draft, NotADialogue, is_object, kind, table_row
from mentalft.data.read.scanning import Raw
from mentalft.data.split.fingerprints import END, MARK, hashed, marked_text
from mentalft.errors import DataError
from mentalft.records import Dialogue, Message


@dataclass(frozen=True)
class Settings:
    """All that decides what becomes of a record."""

    format: str
    columns: dict[str, str]
    keep_leading_assistant: bool
    privacy: str
    hotlines: tuple[str, ...]
    strip_thinking: bool = False


ALL_TEXT = 255 & ~(screening.DIRTY | screening.REMARK)
EXCHANGES = range(129)
ALTERNATING = [("user", "assistant") * n for n in EXCHANGES]
MARKED = [f"{MARK['user']}%s{MARK['assistant']}%s" * n + END for n in EXCHANGES]
"""The marked text of so many exchanges."""


class Gathered:
    """Takes records in one by one; then all are looked at together.

    Args:
        counts: counters ``repaired``, ``privacy`` and ``remarks``, added to.
        careful: mend every record at once. Else one that has no character left after mending is found out by
            :meth:`finish`, too late to set it aside.
    """

    def __init__(self, settings: Settings, counts: dict[str, Counter[str]], *, careful: bool = False) -> None:
        self.settings, self.counts, self.careful = settings, counts, careful
        self.read: Callable[[Any], Draft] = (
            FORMS[settings.format].read if settings.format in FORMS else table_row(settings.columns)
        )
        self.redact = redactor(settings.hotlines)
        self._redacts = settings.privacy == "redact"
        self.of_lists = not is_object(settings.format)
        self.texts: list[str] = []
        """Marked; before redaction."""
        self.marks = 0
        """In all texts, if no text brought marks of its own."""
        self.drafts: list[Draft] = []
        self.mended: dict[int, Dialogue] = {}
        """Those that are not as found, by row."""
        self.topics: dict[str, str] = {}
        """As redacted."""
        self.inside: Counter[str] = Counter()
        """Found in the dialogue that is looked at; kept, for making one for each costs more than the looking."""
        self.found: Counter[str] = Counter()
        """The same, of its topic and name, and then of all of it."""

    def add(self, raw: Raw) -> NotADialogue | None:
        """Take one record in; the reason where it cannot be."""
        if raw.problem is not None:
            return NotADialogue(raw.problem)
        try:
            if not self.of_lists and not isinstance(raw.value, dict):
                return NotADialogue(f"the record is not a JSON object but {kind(raw.value)}")
            draft = thought_out(self.read(raw.value), self.counts, strip=self.settings.strip_thinking)
            contents = None if self.careful else _plainly_whole(draft)
            if contents is not None:
                text = MARKED[len(contents) // 2] % contents
                self.marks += len(contents) + 1
            else:
                self.mended[len(self.texts)] = dialogue = self._mended(draft)
                text = marked_text(dialogue)
                self.marks += len(dialogue.messages) - (dialogue.messages[0].role == "system") + 1
        except NotADialogue as error:  # it may show what stood where a role should
            return NotADialogue(self.redact(error.reason, Counter()), error.field) if self._redacts else error
        self.texts.append(text)
        self.drafts.append(draft)
        return None

    def finish(self, block: Screened) -> dict[int, Dialogue]:
        """Mend, report and redact what the screening points to; the dialogues that were mended now, by row.

        Keys are those of the text before redaction: what two people said does not become the same by taking out names.

        Raises:
            NotADialogue: of a record nothing is left; begin again, carefully.
        """
        sure = self.marks == int(np.count_nonzero((block.points - np.uint16(2)) < np.uint16(3)))
        privacy = self.settings.privacy != "off"
        changed: dict[int, Dialogue] = {}
        for row, flag in enumerate(block.flags.tolist()):
            if (flag & screening.DIRTY or not sure) and row not in self.mended:
                self.mended[row] = changed[row] = self._mended(self.drafts[row])
                self.texts[row] = marked_text(changed[row])
                flag = 255  # noqa: PLW2901 - this text was not screened
            if flag & screening.REMARK:
                self.counts["remarks"].update(remarks(self.texts[row]))
            if privacy:
                self._redact(row, flag)
        return changed

    def records(self) -> list[dict[str, Any]]:
        """What is to be written, in order."""
        found = [_record(draft) for draft in self.drafts]
        for row, dialogue in self.mended.items():
            found[row] = dialogue.to_json()
        for record in found:
            if not record["id"]:
                said = "\x1f".join([message["content"] for message in record["messages"]])
                record["id"] = f"{hashed(said):016x}"
        return found

    def _mended(self, draft: Draft) -> Dialogue:
        keep = self.settings.keep_leading_assistant
        return repaired(draft, self.counts["repaired"], keep_leading_assistant=keep)

    def _redact(self, row: int, flag: int) -> None:
        """Redact one dialogue, its topic and its name: each may hold personal data."""
        draft, dialogue = self.drafts[row], self.mended.get(row)
        topic, name = (draft.topic, draft.id) if dialogue is None else (dialogue.topic, dialogue.id)
        plain_name = _is_count(name)
        if dialogue is None and not flag & ALL_TEXT and plain_name and (not topic or self.topics.get(topic) == topic):
            return
        text, concern = self.texts[row], flag
        if dialogue and (dialogue.references or dialogue.messages[0].role == "system"):
            text = "\n".join([*[m.content for m in dialogue.messages], *dialogue.references])
            concern = 255  # more than what was screened
        found, inside = self.found, self.inside
        if found:
            found.clear()
        if inside:
            inside.clear()
        new_topic = (self.topics.get(topic) or self._redacted_topic(topic, found)) if topic else topic
        new_name = name if plain_name else self.redact(str(name), found)
        if concern & ALL_TEXT:
            self.redact(text, inside, concern)
        if not found and not inside and new_topic == topic:
            return
        dialogue = dialogue or Dialogue.from_json(_record(draft))
        messages, references = dialogue.messages, dialogue.references
        if inside:
            messages = tuple(Message(m.role, self.redact(m.content, found)) for m in messages)
            references = tuple(self.redact(r, found) for r in references)
        self.counts["privacy"].update(found)
        self.counts["privacy"]["dialogues"] += 1
        if self._redacts:
            self.mended[row] = Dialogue(str(new_name), new_topic, messages, references)

    def _redacted_topic(self, topic: str, found: Counter[str]) -> str:
        if topic not in self.topics:
            self.topics[topic] = self.redact(topic, found)
        return self.topics[topic]


def _plainly_whole(draft: Draft) -> tuple[str, ...] | None:
    """What was said, where no rule of repair concerns the draft's shape.

    What its characters need is seen later, for all at once.
    """
    half, odd = divmod(len(draft.turns), 2)
    if odd or not 0 < half < len(ALTERNATING) or draft.references:
        return None
    roles, contents = zip(*draft.turns, strict=True)
    if roles != ALTERNATING[half] or [c for c in contents if type(c) is not str or not c or c.strip() is not c]:
        return None
    name, topic = draft.id, draft.topic
    if not (topic is None or (type(topic) is str and _plain(topic) and unicodedata.is_normalized("NFC", topic))):
        return None
    return contents if type(name) is int or (type(name) is str and name.isascii() and _plain(name)) else None


def _plain(text: str) -> bool:
    return text.isprintable() and text.strip() is text


def _is_count(name: int | str) -> bool:
    """Whether ``name`` is a number too short to be anybody's telephone or identity card."""
    return abs(name) < 10**7 if isinstance(name, int) else name.isdecimal() and len(name) <= 7


def _record(draft: Draft) -> dict[str, Any]:
    """The ChatML record of a draft that is plainly whole."""
    messages = draft.objects or [{"role": role, "content": content} for role, content in draft.turns]
    return {"id": str(draft.id), "topic": draft.topic or None, "messages": messages}


def settings_for(format_name: str, columns: dict[str, str], known: Any) -> Settings:
    """Settings from a data configuration.

    Raises:
        DataError: ``columns`` names parts of a row that there are not.
    """
    parts = {"question", "answer", "title", "system", "topic", "id"}
    if unknown := sorted(columns.keys() - parts):
        raise DataError(f"data.columns: {', '.join(unknown)} is not a part of a row; accepted are {sorted(parts)}")
    return Settings(
        format_name,
        dict(columns),
        known.leading_assistant == "keep",
        known.privacy,
        tuple(known.hotlines),
        known.thinking == "strip",
    )
