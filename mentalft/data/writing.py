"""The split files: each staged line goes where its dialogue was placed."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import numpy as np
import orjson

from mentalft.config import DataConfig
from mentalft.data.fingerprints import hashed
from mentalft.data.lengths import TOKEN_SAMPLE
from mentalft.data.splits import CONFLICT, SPLITS, Places
from mentalft.data.staging import Index, PartFile
from mentalft.files import json_line, remember_sha256, written_whole
from mentalft.records import Dialogue

OPENING = b'"messages":['
"""Where a system message goes; inside a JSON string its quotation marks would have backslashes."""
AHEAD = 24
APART = "a near duplicate of dialogues that are in different splits, so it can be in none"


class Writer:
    """Writes lines to the splits with the system message, ids of their own, and repeats of weighted sources."""

    def __init__(self, cfg: DataConfig, index: Index, places: Places, folder: Path, stack: ExitStack) -> None:
        self.index, self.places = index, places
        self.out: list[IO[bytes]] = [
            stack.enter_context(written_whole(folder / f"{name}.jsonl", binary=True)) for name in SPLITS
        ]
        self.hashes = [hashlib.sha256() for _ in SPLITS]
        self.hashing = stack.enter_context(ThreadPoolExecutor(1))
        self.rejected = stack.enter_context((folder / "rejected.jsonl").open("a", encoding="utf-8"))
        self.ids = index.arrays["ids"]
        self.renamed: dict[str, int] = {}
        self.repeats = _repeats(index)
        self.system = (
            OPENING + orjson.dumps({"role": "system", "content": cfg.system_message}) + b","
            if cfg.system_message is not None
            else None
        )
        self.every = max(1, len(places) // TOKEN_SAMPLE)
        self.sample: list[Dialogue] = []
        self.waiting: list[Future[None]] = []

    def part(self, part: PartFile, lines: list[bytes], same_id: Any, start: int) -> None:
        """Write the dialogues of one part, the first of which has the row ``start``."""
        chosen: list[list[bytes]] = [[] for _ in SPLITS]
        has_system = self.index.arrays["system"]
        for row, staged in enumerate(lines, start):
            place = int(self.places[row])
            if place >= len(SPLITS):
                if place == CONFLICT:
                    self._set_aside(part, row)
                continue
            line = self._renamed(staged) if same_id[row] else staged
            if self.system is not None and not has_system[row]:
                line = line.replace(OPENING, self.system, 1)
            if row % self.every == 0:
                self.sample.append(Dialogue.from_json(orjson.loads(line)))
            chosen[place].append(line)
            if place == 0 and self.repeats is not None:
                times = int(self.repeats[row])
                if times == 0:
                    chosen[place].pop()
                chosen[place] += [_with_id(line, f"~{n}") for n in range(2, times + 1)]
        for out, some in zip(self.out, chosen, strict=True):
            data = b"".join(some)
            self.waiting.append(self.hashing.submit(self.hashes[len(self.waiting) % len(SPLITS)].update, data))
            out.write(data)
        if len(self.waiting) > AHEAD:
            self.waiting[-AHEAD].result()  # keep no more than some parts in memory

    def remember_hashes(self, folder: Path) -> None:
        """Say what the written files hash to, so that they need not be read again; to be called when they are whole."""
        for name, state in zip(SPLITS, self.hashes, strict=True):
            remember_sha256(folder / f"{name}.jsonl", state.hexdigest())

    def _set_aside(self, part: PartFile, row: int) -> None:
        record = int(self.index.arrays["record"][row])
        self.rejected.write(json_line({"file": part.source_file, "record": record, "reason": APART}))

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


def _repeats(index: Index) -> Any:
    """How often each dialogue stands in the train split, by the weight of its source; None where all stand once."""
    if all(source["weight"] == 1 for source in index.sources):
        return None
    weights = np.repeat([s["weight"] for s in index.sources], [s["dialogues"] for s in index.sources])
    chance = (index.arrays["content"] >> np.uint64(11)) * 2.0**-53
    return np.floor(weights).astype(int) + (chance < weights % 1)
