"""All blocks of all sources through the processes, in order; the result is a staged corpus on disk and its index.

The staged corpus is what every later step needs and no more: the dialogues as JSON lines in part files, redacted
already, and for each a row of numbers (see :data:`mentalft.data.read.workers.ARRAYS`; 171 bytes a dialogue).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mentalft.data.read.blocks import Block, array_blocks, blocks_of, file_blocks, scanned_text, value_blocks
from mentalft.data.read.gathering import Settings
from mentalft.data.read.pool import Submit
from mentalft.data.read.scanning import ArrayScanner
from mentalft.data.read.workers import ARRAYS, Part
from mentalft.data.split.fingerprints import BANDS
from mentalft.files import json_line
from mentalft.records import Rejected, SourceReport


class PartFile(NamedTuple):
    """What a block of a file became."""

    name: str
    digest: str
    """XXH3."""
    dialogues: int
    source_file: str
    """Empty where each record has a file of its own."""


@dataclass
class Index:
    """What is known of the staged dialogues. Arrays have one row a dialogue, in the order of the input."""

    arrays: dict[str, Any]
    topics: list[str]
    parts: list[PartFile]
    sources: list[SourceReport] = field(default_factory=list)
    """``dialogues`` says how many of the rows are of each; the hashes of its files come later."""
    counts: dict[str, Counter[str]] = field(default_factory=dict)


def rejected_line(rejected: Rejected) -> str:
    """What ``rejected.jsonl`` says of a record."""
    return json_line({key: value for key, value in vars(rejected).items() if value is not None})


class Collector:
    """Gathers parts into an index; writes what was set aside as it comes."""

    def __init__(self, reject: Callable[[Rejected], None]) -> None:
        self.reject = reject
        self.columns: dict[str, list[Any]] = {name: [] for name in ARRAYS}
        self.topics: dict[str, int] = {}
        self.parts: list[PartFile] = []
        self.counts: dict[str, Counter[str]] = {name: Counter() for name in ("repaired", "privacy", "remarks")}
        self.reasons: Counter[str] = Counter()
        self.records = self.in_file = self.dialogues = 0

    def add(self, part: Part, name: str, files: Sequence[str]) -> None:
        """Take in what a block became; ``files`` is the file that it is of, or the file of each record."""
        for rejected in part.rejected:
            self.reasons[rejected.reason] += 1
            number = self.in_file + (rejected.record or 0)
            self.reject(replace(rejected, record=number, file=files[number - 1] if len(files) > 1 else files[0]))
        part.record = part.record + self.in_file
        self.records += part.records
        self.in_file += part.records
        self.dialogues += len(part.bytes)
        places = np.array([self.topics.setdefault(t, len(self.topics)) for t in part.topics], dtype=np.uint32)
        part.topic = places[part.topic]
        for column in ARRAYS:
            self.columns[column].append(getattr(part, column))
        for kind, counter in part.counts.items():
            self.counts[kind].update(counter)
        self.parts.append(PartFile(name, part.digest, len(part.bytes), files[0] if len(files) == 1 else ""))

    def index(self) -> Index:
        arrays: dict[str, Any] = {}
        for name in ARRAYS:
            found = self.columns.pop(name)
            arrays[name] = np.concatenate(found) if found else np.zeros((0, BANDS) if name == "bands" else 0, np.uint64)
        return Index(arrays, list(self.topics), self.parts, [], self.counts)


class Reader:
    """Reads files block by block, some blocks ahead, and hands on their parts in order."""

    def __init__(self, folder: Path, submit: Submit, settings: Settings, ahead: int = 6) -> None:
        self.folder, self.submit, self.settings, self.ahead = folder, submit, settings, ahead
        self.numbered = len(list(folder.glob("*.jsonl")))
        self.most: int | None = None

    def parts(self, blocks: Iterator[Block]) -> Iterator[tuple[Block, Part | None, str]]:
        """Each block with what it became, and the name of the part file."""
        waiting: deque[tuple[Block, Any, str]] = deque()
        for block in blocks:
            self.numbered += 1
            name = f"{self.numbered:06}.jsonl"
            waiting.append((block, self.submit(block, self.settings, self.folder / name, self.most), name))
            if len(waiting) >= self.ahead:
                block_, future, name_ = waiting.popleft()
                yield block_, future.result(), name_
        while waiting:
            block_, future, name_ = waiting.popleft()
            yield block_, future.result(), name_

    def read(self, files: Sequence[Path], *, whole_file: bool) -> Iterator[tuple[Part, str]]:
        """Parts of files that are one record each, or of one file of records."""
        if whole_file:
            return self.plain(file_blocks(files))
        (path,) = files
        blocks = array_blocks(path)
        return self._array(path, blocks) if blocks else self.plain(blocks_of(path))

    def _array(self, path: Path, blocks: list[Block]) -> Iterator[tuple[Part, str]]:
        """Parts of a JSON array: in blocks as far as they parse, and past damage record by record."""
        known = {block.start for block in blocks}
        position = 0
        while position < len(blocks):
            failed = None
            for block, part, name in self.parts(iter(blocks[position:])):
                if part is None:
                    failed = block
                    break
                position += 1
                yield part, name
            if failed is None:
                return
            scanner = ArrayScanner(*scanned_text(path, failed.start))
            records = scanner.records(opening=False, stop_at=known - {failed.start})
            yield from self.plain(value_blocks(path, records))
            position = next((i for i, b in enumerate(blocks) if b.start == scanner.stopped_at), len(blocks))

    def plain(self, blocks: Iterator[Block]) -> Iterator[tuple[Part, str]]:
        """Parts of blocks that cannot fail as a whole."""
        for _, part, name in self.parts(blocks):
            if part is not None:
                yield part, name
