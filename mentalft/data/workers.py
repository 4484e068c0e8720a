"""What one process does with one block: read, repair, redact, fingerprint, and write its dialogues to a part file."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from xxhash import xxh3_128_hexdigest

from mentalft.data import screening
from mentalft.data.blocks import BOM, Block
from mentalft.data.fingerprints import hashed, keys_of, keys_of_screened, marked_text
from mentalft.data.privacy import redactor
from mentalft.data.records_of import READERS, Draft, NotADialogue, kind, table_row
from mentalft.data.repair import remarks, repaired
from mentalft.data.scanning import Raw, why
from mentalft.data.screening import Screened, screened
from mentalft.errors import DataError
from mentalft.records import Dialogue, Message, Rejected


@dataclass(frozen=True)
class Settings:
    """All that decides what becomes of a record."""

    format: str
    columns: dict[str, str]
    keep_leading_assistant: bool
    privacy: str
    hotlines: tuple[str, ...]


@dataclass
class Part:
    """What a block became. Arrays have one entry a dialogue."""

    records: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    """With record numbers from 1 within the block."""
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    topics: list[str] = field(default_factory=list)
    """The names that ``topic`` points to."""
    digest: str = ""
    """XXH3 of the part file."""
    record: Any = None
    """Number of the record in the block, from 1."""
    bytes: Any = None
    """Length of each line."""
    topic: Any = None
    characters: Any = None
    turns: Any = None
    """Of the assistant."""
    system: Any = None
    """Whether there is a system message."""
    ids: Any = None
    opening: Any = None
    content: Any = None
    bands: Any = None


ALL_TEXT = screening.DIGIT | screening.LETTER | screening.NAME | screening.NUMBERED | screening.PLACE
ARRAYS = ("record", "bytes", "topic", "characters", "turns", "system", "ids", "opening", "content", "bands")


def read_block(block: Block, settings: Settings, part_file: Path, most: int | None = None) -> Part | None:
    """Write the block's dialogues to ``part_file``; None where an array block does not parse as a whole.

    Args:
        most: stop after so many dialogues.
    """
    raws = _raws(block)
    if raws is None:
        return None
    part = Part(counts={"repaired": Counter(), "privacy": Counter(), "remarks": Counter()})
    reader = _Reader(settings, part)
    numbers: list[int] = []
    for raw in raws:
        part.records += 1
        name = raw.value.name if isinstance(raw.value, Path) else block.path.name
        problem = reader.add(raw)
        if problem is not None:
            offset = raw.offset if raw.problem or block.kind == "lines" else None  # the same however blocks are cut
            part.rejected.append(Rejected(name, part.records, problem.reason, problem.field, offset))
            continue
        numbers.append(part.records)
        if most is not None and len(numbers) >= most:
            break
    return _finished(part, reader, numbers, part_file)


def _finished(part: Part, reader: _Reader, numbers: list[int], part_file: Path) -> Part:
    """Screen what was read, redact it, describe it, and write it."""
    texts = [marked_text(d) for d in reader.dialogues]
    block = screened(texts)
    changed = reader.finish(block)
    keys = keys_of_screened(block)
    if changed:
        rows = [row for row, _ in changed.items()]
        again = keys_of(list(changed.values()))
        for whole, some in zip(keys, again, strict=True):
            whole[rows] = some
    dialogues = reader.dialogues
    lines = [orjson.dumps(d.to_json(), option=orjson.OPT_APPEND_NEWLINE) for d in dialogues]
    names: dict[str, int] = {}
    part.record = np.array(numbers, dtype=np.uint32)
    part.topic = np.array([names.setdefault(d.topic or "(none)", len(names)) for d in dialogues], dtype=np.uint32)
    part.topics = list(names)
    part.bytes = np.array([len(line) for line in lines], dtype=np.uint32)
    part.system = np.array([d.messages[0][0] == "system" for d in dialogues], dtype=bool)
    said = np.array([len(d.messages) for d in dialogues], dtype=np.int64) - part.system
    part.turns = ((said + 1) // 2).astype(np.uint16)
    part.characters = (np.array([len(t) for t in texts], dtype=np.int64) - said - 1).astype(np.uint32)
    part.ids = np.array([hashed(d.id) for d in dialogues], dtype=np.uint64)
    part.content, part.opening, part.bands = keys
    data = b"".join(lines)
    part.digest = xxh3_128_hexdigest(data)
    part_file.write_bytes(data)
    return part


def _raws(block: Block) -> Iterator[Raw] | None:
    if block.kind == "array":
        return _array(block)
    if block.kind == "lines":
        return _lines(block)
    if block.kind == "files":
        return map(_file, block.payload)
    return iter(block.payload) if block.kind == "values" else (Raw(None, row) for row in block.payload)


def _array(block: Block) -> Iterator[Raw] | None:
    with block.path.open("rb") as handle:
        handle.seek(block.start)
        text = handle.read(block.end - block.start).strip()
    closing = b"]" if block.last else b","
    if not text.endswith(closing) or (block.last and not text[:-1].strip()):
        return None
    try:
        return (Raw(None, value) for value in orjson.loads(b"[" + text[:-1] + b"]"))
    except orjson.JSONDecodeError:
        return None


def _lines(block: Block) -> Iterator[Raw]:
    offset = block.start
    for line in block.payload.removeprefix(BOM if block.start == 0 else b"").split(b"\n"):
        if line.strip():
            yield _parsed(line, offset)
        offset += len(line) + 1


def _parsed(line: bytes, offset: int | None) -> Raw:
    try:
        return Raw(offset, orjson.loads(line))
    except orjson.JSONDecodeError:  # stricter than JSON as it is found: a lone surrogate, NaN
        try:
            return Raw(offset, json.loads(line.decode("utf-8", "surrogateescape")))
        except (ValueError, RecursionError) as error:
            return Raw(offset, None, why(error))


def _file(path: Path) -> Raw:
    data = path.read_bytes().removeprefix(BOM)
    if data.lstrip()[:1] not in (b"[", b"{"):
        return Raw(None, data.decode("utf-8", "replace"))
    return _parsed(data, None)


ALTERNATING = [("user", "assistant") * n for n in range(129)]


class _Reader:
    """Gathers a block's dialogues: as they are where they are plainly whole, mended where they are not."""

    def __init__(self, settings: Settings, part: Part) -> None:
        self.settings, self.part = settings, part
        self.read: Callable[[Any], Draft] = READERS.get(settings.format) or table_row(settings.columns)
        self.redact = redactor(settings.hotlines)
        self.of_lists = settings.format in ("smilechat", "cpsycoune", "cpsycound")
        self.dialogues: list[Dialogue] = []
        self.as_found: dict[int, Draft] = {}
        """Of the dialogues that were not mended, what they were made from."""
        self.topics: dict[str, str] = {}
        """As redacted."""

    def add(self, raw: Raw) -> NotADialogue | None:
        """Take one record in; the reason where it cannot be."""
        if raw.problem is not None:
            return NotADialogue(raw.problem)
        try:
            if not self.of_lists and not isinstance(raw.value, dict):
                return NotADialogue(f"the record is not a JSON object but {kind(raw.value)}")
            draft = self.read(raw.value)
            dialogue = _as_it_is(draft)
            if dialogue is None:
                dialogue = self._mended(draft)
            else:
                self.as_found[len(self.dialogues)] = draft
        except NotADialogue as error:
            return error
        self.dialogues.append(dialogue)
        return None

    def finish(self, block: Screened) -> dict[int, Dialogue]:
        """Mend, report and redact what the screening points to; the dialogues that were mended, by row.

        Keys are those of the text before redaction: what two people said does not become the same by taking out names.
        """
        marks = int(np.count_nonzero((block.points - np.uint16(2)) < np.uint16(3)))
        sure = marks == sum(len(d.messages) - (d.messages[0][0] == "system") + 1 for d in self.dialogues)
        changed: dict[int, Dialogue] = {}
        privacy = self.settings.privacy != "off"
        for row, flag in enumerate(block.flags.tolist()):
            dialogue = self.dialogues[row]
            if (flag & screening.DIRTY or not sure) and row in self.as_found:
                changed[row] = dialogue = self._mended(self.as_found[row])
            if flag & screening.REMARK:
                self.part.counts["remarks"].update(remarks("\n".join([m[1] for m in dialogue.messages])))
            if privacy:
                dialogue = self._redacted(dialogue, flag)
            if not dialogue.id:
                turns = "\x1f".join([m[1] for m in dialogue.messages])
                dialogue = Dialogue(f"{hashed(turns):016x}", dialogue.topic, dialogue.messages, dialogue.references)
            self.dialogues[row] = dialogue
        return changed

    def _mended(self, draft: Draft) -> Dialogue:
        keep = self.settings.keep_leading_assistant
        return repaired(draft, self.part.counts["repaired"], keep_leading_assistant=keep)

    def _redacted(self, dialogue: Dialogue, flag: int) -> Dialogue:
        found: Counter[str] = Counter()
        messages, references, topic, name = dialogue.messages, dialogue.references, dialogue.topic, dialogue.id
        if flag & ALL_TEXT or references:
            self.redact("\n".join([*[m[1] for m in messages], *references]), found, 255 if references else flag)
            if found:
                found.clear()
                messages = tuple(Message(m.role, self.redact(m.content, found)) for m in messages)
                references = tuple(self.redact(r, found) for r in references)
        if topic:
            if topic not in self.topics:
                self.topics[topic] = self.redact(topic, found)
            topic = self.topics[topic]
        if not name.isdecimal():
            name = self.redact(name, found)
        if not found and topic == dialogue.topic:
            return dialogue
        self.part.counts["privacy"].update(found)
        self.part.counts["privacy"]["dialogues"] += 1
        return dialogue if self.settings.privacy == "report" else Dialogue(name, topic, messages, references)


def _as_it_is(draft: Draft) -> Dialogue | None:
    """``draft`` where no rule of repair concerns its shape; what its characters need is seen later, for all at once."""
    turns, name, topic = draft.turns, draft.id, draft.topic
    half, odd = divmod(len(turns), 2)
    if odd or not 0 < half < len(ALTERNATING) or tuple([role for role, _ in turns]) != ALTERNATING[half]:
        return None
    contents = [content for _, content in turns]
    if [c for c in contents if type(c) is not str or not c or c.strip() is not c]:
        return None
    if draft.references or not (
        topic is None or (type(topic) is str and topic.isprintable() and topic.strip() is topic)
    ):
        return None
    if type(name) is not int and not (
        type(name) is str and name.isascii() and name.isprintable() and name.strip() is name
    ):
        return None
    if topic and not unicodedata.is_normalized("NFC", topic):
        return None
    return Dialogue(str(name), topic or None, tuple(map(Message._make, turns)))


def settings_for(format_name: str, columns: dict[str, str], known: Any) -> Settings:
    """Settings from a data configuration.

    Raises:
        DataError: ``columns`` names parts of a row that there are not.
    """
    parts = {"question", "answer", "title", "system", "topic", "id"}
    if unknown := sorted(columns.keys() - parts):
        raise DataError(f"data.columns: {', '.join(unknown)} is not a part of a row; accepted are {sorted(parts)}")
    return Settings(format_name, dict(columns), known.leading_assistant == "keep", known.privacy, tuple(known.hotlines))
