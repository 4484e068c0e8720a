"""What one process does with one block: read, repair, redact, fingerprint, and write its dialogues to a part file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from xxhash import xxh3_128_hexdigest

from mentalft.data.clean.privacy import DialogueRedactor
from mentalft.data.clean.repair import remarks, repaired, thought_out
from mentalft.data.clean.risk import count_risk
from mentalft.data.clean.screening import REMARK, Screened, screened
from mentalft.data.prompts import with_system
from mentalft.data.read.blocks import Block, raw_records
from mentalft.data.read.forms import FORMS, Draft, NotADialogue, is_object, kind
from mentalft.data.read.scanning import Raw
from mentalft.data.split.fingerprints import BANDS, hashed, keys_of_screened, marked_text
from mentalft.records import Dialogue, Rejected

ROW = np.dtype(
    [
        ("record", "u4"),  # its number in the file, or its file's number; from 1
        ("topic", "u4"),  # its place among the topics
        ("bytes", "u4"),  # of its line
        ("characters", "u4"),  # of what was said
        ("turns", "u2"),  # of the assistant
        ("id", "u8"),  # a hash
        ("opening", "u8"),  # this and the next two: mentalft.data.split.fingerprints.Keys
        ("content", "u8"),
        ("bands", "u8", BANDS),
    ]
)
"""What is known of a dialogue besides its text: 170 bytes."""
COUNTED = ("repaired", "privacy", "remarks", "risk", "unread")
LONGEST_NAME = 60
"""Characters of a field's name that are shown."""


@dataclass(frozen=True)
class Settings:
    """All that decides what becomes of a record."""

    format: str
    columns: dict[str, str]
    encoding: str | None = None
    keep_leading_assistant: bool = False
    privacy: str = "off"
    hotlines: tuple[str, ...] = ()
    system_message: str | None = None
    keep_html: bool = False
    strip_thinking: bool = False


@dataclass
class Part:
    """What a block became."""

    name: str
    """Of the file with its dialogues, one a line."""
    digest: str = ""
    """XXH3 of that file."""
    rows: Any = None
    """(dialogues,) of :data:`ROW`."""
    topics: list[str] = field(default_factory=list)
    """The names that ``topic`` points to."""
    records: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    counts: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in COUNTED})


def read_block(block: Block, settings: Settings, part_file: Path, most: int | None = None) -> Part | None:
    """Write the block's dialogues to ``part_file``; None where an array block does not parse as a whole.

    Args:
        most: stop after so many dialogues.
    """
    raws = raw_records(block)
    if raws is None:
        return None
    part = Part(part_file.name)
    redactor = DialogueRedactor(settings.hotlines, part.counts["privacy"])
    dialogues: list[Dialogue] = []
    unread: Counter[str] = Counter()
    numbers: list[int] = []
    for raw in raws:
        part.records += 1
        try:
            draft = _draft(raw, settings, whole_file=block.kind == "files")
            draft = thought_out(draft, part.counts, strip=settings.strip_thinking)
            keep = {"keep_leading_assistant": settings.keep_leading_assistant, "keep_html": settings.keep_html}
            dialogues.append(repaired(draft, part.counts["repaired"], **keep))
            unread.update(draft.unread)
        except NotADialogue as problem:  # it may show what stood where a role should
            reason = redactor.redact(problem.reason, Counter()) if settings.privacy == "redact" else problem.reason
            name = block.payload[part.records - 1].name if block.kind == "files" else block.path.name
            offset = raw.offset if raw.problem or block.kind == "lines" else None  # the same however blocks are cut
            part.rejected.append(Rejected(name, part.records, reason, problem.field, offset))
            continue
        numbers.append(part.records)
        if len(numbers) == most:
            break
    for name, number in unread.items():  # in a table without a head it is what somebody said
        shown = redactor.redact(name, Counter()) if settings.privacy == "redact" else name
        part.counts["unread"][shown[:LONGEST_NAME]] += number
    texts = [marked_text(dialogue) for dialogue in dialogues]
    looked_at = screened(texts)
    count_risk(dialogues, texts, looked_at, part.counts["risk"])
    for place, (text, flags) in enumerate(zip(texts, looked_at.flags.tolist(), strict=True)):
        if flags & REMARK:
            part.counts["remarks"].update(remarks(text))
        if settings.privacy != "off":
            redacted = redactor(dialogues[place], text, flags)
            if settings.privacy == "redact":
                dialogues[place] = redacted
    dialogues = [_as_written(dialogue, settings.system_message) for dialogue in dialogues]
    lines = [orjson.dumps(dialogue.to_json(), option=orjson.OPT_APPEND_NEWLINE) for dialogue in dialogues]
    part.rows = _described(part, dialogues, texts, looked_at)
    part.rows["record"] = numbers
    part.rows["bytes"] = [len(line) for line in lines]
    data = b"".join(lines)
    part.digest = xxh3_128_hexdigest(data)
    part_file.write_bytes(data)
    return part


def _draft(raw: Raw, settings: Settings, *, whole_file: bool) -> Draft:
    if raw.problem is not None:
        raise NotADialogue(raw.problem)
    if is_object(settings.format) and not whole_file and not isinstance(raw.value, dict):
        raise NotADialogue(f"the record is not a JSON object but {kind(raw.value)}")
    return FORMS[settings.format].read(raw.value, tuple(settings.columns.items()))


def _as_written(dialogue: Dialogue, system_message: str | None) -> Dialogue:
    """With the system message where it has none, and called by a hash of what was said where it has no name."""
    name = dialogue.id or f"{hashed(chr(0x1F).join([m.content for m in dialogue.messages])):016x}"
    return Dialogue(name, dialogue.topic, tuple(with_system(dialogue.messages, system_message)), dialogue.references)


def _described(part: Part, dialogues: list[Dialogue], texts: list[str], looked_at: Screened) -> Any:
    """Of each dialogue all but its number and the bytes of its line; (dialogues,) of :data:`ROW`."""
    rows = np.zeros(len(dialogues), ROW)
    names: dict[str, int] = {}
    rows["topic"] = [names.setdefault(d.topic or "(none)", len(names)) for d in dialogues]
    part.topics = list(names)
    said = np.array([len(d.messages) - (d.messages[0].role == "system") for d in dialogues], dtype=np.int64)
    rows["turns"] = (said + 1) // 2
    rows["characters"] = np.array([len(text) for text in texts], dtype=np.int64) - said - 1  # the marks are no text
    rows["id"] = [hashed(d.id) for d in dialogues]
    rows["content"], rows["opening"], rows["bands"] = keys_of_screened(looked_at)
    return rows
