"""The split files: each staged line goes where its dialogue was placed."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import numpy as np
import orjson
from xxhash import xxh3_128

from mentalft.config import DataConfig
from mentalft.data.read.sources import Source
from mentalft.data.read.staging import Index, PartFile, rejected_line
from mentalft.data.split.fingerprints import hashed
from mentalft.data.split.places import CONFLICT, SPLITS, Places
from mentalft.files import remember_digest, written_whole
from mentalft.records import Rejected

OPENING = b'"messages":['
"""Where a system message goes; inside a JSON string its quotation marks would have backslashes."""
AHEAD = 48
APART = "a near duplicate of dialogues that are in different splits, so it can be in none"


class Writer:
    """Writes lines to the splits with the system message, ids of their own, and repeats of weighted sources."""

    def __init__(
        self,
        cfg: DataConfig,
        index: Index,
        places: Places,
        folder: Path,
        stack: ExitStack,
        sources: Sequence[Source] = (),
    ) -> None:
        self.index, self.places, self.sources = index, places, sources
        self.out: list[IO[bytes]] = [
            stack.enter_context(written_whole(folder / f"{name}.jsonl", binary=True, sync=False)) for name in SPLITS
        ]
        self.hashes = [xxh3_128() for _ in SPLITS]
        self.writing = stack.enter_context(ThreadPoolExecutor(1))
        self.hashing = stack.enter_context(ThreadPoolExecutor(1))
        self.rejected = stack.enter_context((folder / "rejected.jsonl").open("a", encoding="utf-8"))
        self.ids = index.arrays["ids"]
        self.renamed: dict[str, int] = {}
        self.repeats = repeats(index)
        self.system = (
            OPENING + orjson.dumps({"role": "system", "content": cfg.system_message}) + b","
            if cfg.system_message is not None
            else None
        )
        self.waiting: deque[Future[Any]] = deque()

    def part(self, part: PartFile, data: bytes, same_id: Any, start: int) -> None:
        """Write the dialogues of one part, the first of which has the row ``start``."""
        rows = slice(start, start + part.dialogues)
        ends = np.cumsum(self.index.arrays["bytes"][rows], dtype=np.int64).tolist()
        spans = list(zip([0, *ends], ends, strict=False))
        places, has_system = self.places[rows], self.index.arrays["system"][rows]
        for row in np.flatnonzero(places == CONFLICT).tolist():
            self._set_aside(part, start + row)
        plain = self.repeats is None and not same_id[rows].any() and (self.system is None or not has_system.any())
        for place in range(len(SPLITS)):
            mine = np.flatnonzero(places == place).tolist()
            if plain:
                pieces = self._plain(data, [spans[row] for row in mine])
            else:
                pieces = [self._line(data[slice(*spans[row])], start + row, same_id) for row in mine]
            self._write(place, b"".join(pieces))
        while len(self.waiting) > AHEAD:  # keep no more than some parts in memory
            self.waiting.popleft().result()

    def _plain(self, data: bytes, spans: list[tuple[int, int]]) -> list[Any]:
        """Pieces of ``data`` with the system message between them; nothing is copied yet."""
        view = memoryview(data)
        if self.system is None:
            return [view[start:end] for start, end in spans]
        pieces: list[Any] = []
        for start, end in spans:
            cut = data.index(OPENING, start)
            pieces += (view[start:cut], self.system, view[cut + len(OPENING) : end])
        return pieces

    def _write(self, place: int, data: bytes) -> None:
        self.waiting.append(self.hashing.submit(self.hashes[place].update, data))
        self.waiting.append(self.writing.submit(self.out[place].write, data))

    def _line(self, line: bytes, row: int, same_id: Any) -> bytes:
        """What is written of one dialogue: once, or in the train split as often as its source weighs."""
        if same_id[row]:
            line = self._renamed(line)
        if self.system is not None and not self.index.arrays["system"][row]:
            line = line.replace(OPENING, self.system, 1)
        if self.places[row] or self.repeats is None:
            return line
        times = int(self.repeats[row])
        return b"".join([line, *[_with_id(line, f"~{n}") for n in range(2, times + 1)]]) if times else b""

    def finish(self) -> None:
        """Wait until all is written; what went wrong, a full disk say, is raised here at the latest."""
        while self.waiting:
            self.waiting.popleft().result()

    def remember_digests(self, folder: Path) -> None:
        """Say what the written files hash to, so that they need not be read again; to be called when they are whole."""
        for name, state in zip(SPLITS, self.hashes, strict=True):
            remember_digest(folder / f"{name}.jsonl", state.hexdigest())

    def _set_aside(self, part: PartFile, row: int) -> None:
        record = int(self.index.arrays["record"][row])
        source = int(np.searchsorted(np.cumsum([s.dialogues for s in self.index.sources]), row, side="right"))
        file = part.source_file or self.sources[source].labels[record - 1]
        of = self.sources[source].name if len(self.sources) > 1 else None
        self.rejected.write(rejected_line(Rejected(file, record, APART, source=of)))

    def _renamed(self, line: bytes) -> bytes:
        name = json.loads(line)["id"]
        number = self.renamed.get(name, 1) + 1
        while np.isin(np.uint64(hashed(f"{name}-{number}")), self.ids):
            number += 1
        self.renamed[name] = number
        return _with_id(line, f"-{number}")


def _with_id(line: bytes, suffix: str) -> bytes:
    record = orjson.loads(line)
    return orjson.dumps({**record, "id": record["id"] + suffix}, option=orjson.OPT_APPEND_NEWLINE)


def repeats(index: Index) -> Any:
    """How often each dialogue stands in the train split, by the weight of its source; None where all stand once."""
    if all(source.weight == 1 for source in index.sources):
        return None
    weights = np.repeat([s.weight for s in index.sources], [s.dialogues for s in index.sources])
    chance = (index.arrays["content"] >> np.uint64(11)) * 2.0**-53
    return np.floor(weights).astype(int) + (chance < weights % 1)
