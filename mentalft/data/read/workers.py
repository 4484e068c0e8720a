"""What one process does with one block: read, repair, redact, fingerprint, and write its dialogues to a part file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from xxhash import xxh3_128_hexdigest

from mentalft.data.clean.screening import screened
from mentalft.data.read.block_records import raw_records
from mentalft.data.read.blocks import Block
from mentalft.data.read.forms import NotADialogue
from mentalft.data.read.gathering import Gathered, Settings
from mentalft.data.split.fingerprints import hashed, keys_of, keys_of_screened
from mentalft.records import Rejected


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


ARRAYS = ("record", "bytes", "topic", "characters", "turns", "system", "ids", "opening", "content", "bands")


def read_block(block: Block, settings: Settings, part_file: Path, most: int | None = None) -> Part | None:
    """Write the block's dialogues to ``part_file``; None where an array block does not parse as a whole.

    Args:
        most: stop after so many dialogues.
    """
    try:
        return _read(block, settings, part_file, most, careful=False)
    except NotADialogue:
        return _read(block, settings, part_file, most, careful=True)


def _read(block: Block, settings: Settings, part_file: Path, most: int | None, *, careful: bool) -> Part | None:
    raws = raw_records(block)
    if raws is None:
        return None
    part = Part(counts={"repaired": Counter(), "privacy": Counter(), "remarks": Counter()})
    gathered = Gathered(settings, part.counts, careful=careful)
    numbers: list[int] = []
    for raw in raws:
        part.records += 1
        name = block.payload[part.records - 1].name if block.kind == "files" else block.path.name
        problem = gathered.add(raw)
        if problem is not None:
            offset = raw.offset if raw.problem or block.kind == "lines" else None  # the same however blocks are cut
            part.rejected.append(Rejected(name, part.records, problem.reason, problem.field, offset))
            continue
        numbers.append(part.records)
        if most is not None and len(numbers) >= most:
            break
    return _finished(part, gathered, numbers, part_file)


def _finished(part: Part, gathered: Gathered, numbers: list[int], part_file: Path) -> Part:
    """Screen what was read, redact it, describe it, and write it."""
    block = screened(gathered.texts)
    changed = gathered.finish(block)
    keys = keys_of_screened(block)
    if changed:
        rows = [row for row, _ in changed.items()]
        again = keys_of(list(changed.values()))
        for whole, some in zip(keys, again, strict=True):
            whole[rows] = some
    records = gathered.records()
    lines = [orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in records]
    names: dict[str, int] = {}
    part.record = np.array(numbers, dtype=np.uint32)
    part.topic = np.array([names.setdefault(r["topic"] or "(none)", len(names)) for r in records], dtype=np.uint32)
    part.topics = list(names)
    part.bytes = np.array([len(line) for line in lines], dtype=np.uint32)
    part.system = np.array([r["messages"][0]["role"] == "system" for r in records], dtype=bool)
    said = np.array([len(r["messages"]) for r in records], dtype=np.int64) - part.system
    part.turns = ((said + 1) // 2).astype(np.uint16)
    part.characters = (np.array([len(t) for t in gathered.texts], dtype=np.int64) - said - 1).astype(np.uint32)
    part.ids = np.array([hashed(r["id"]) for r in records], dtype=np.uint64)
    part.content, part.opening, part.bands = keys
    data = b"".join(lines)
    part.digest = xxh3_128_hexdigest(data)
    part_file.write_bytes(data)
    return part
