"""The split files: each staged line goes where its dialogue was placed."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from xxhash import xxh3_128

from mentalft.console import progress
from mentalft.data.read.sources import Source
from mentalft.data.read.staging import REJECTED, Index, rejected_line
from mentalft.data.split.fingerprints import hashed
from mentalft.data.split.places import CONFLICT, SPLITS, Places, later_copies
from mentalft.files import remember_digest, written_whole
from mentalft.records import Rejected
from mentalft.words import Said

APART = "a near duplicate of dialogues that are in different splits, so it can be in none"


def write_splits(staged: Path, index: Index, places: Places, folder: Path) -> None:
    """Write the lines of each split, with ids of their own, and in train as often as the weights of sources say."""
    kept = places < len(SPLITS)
    same_id = np.zeros(len(places), dtype=bool)
    same_id[kept] = later_copies(index.rows["id"][kept])
    times = repeats(index)
    renaming = _Renaming(index.rows["id"])
    hashes = [xxh3_128() for _ in SPLITS]
    with ExitStack() as stack:
        out = [stack.enter_context(written_whole(folder / f"{n}.jsonl", binary=True, sync=False)) for n in SPLITS]
        first = 0
        for part in progress(index.parts, Said("data.writing_bar"), total=len(index.parts)):
            rows = slice(first, first + part.dialogues)
            lines: list[list[bytes]] = [[] for _ in SPLITS]
            data = (staged / part.name).read_bytes()
            ends = np.cumsum(index.rows["bytes"][rows], dtype=np.int64).tolist()
            for row, place, start, end in zip(
                range(rows.start, rows.stop), places[rows].tolist(), [0, *ends], ends, strict=False
            ):
                if place >= len(SPLITS):
                    continue
                line = renaming(data[start:end]) if same_id[row] else data[start:end]
                if place or times is None:
                    lines[place].append(line)
                else:
                    lines[place] += [_with_id(line, f"~{n}") if n > 1 else line for n in range(1, times[row] + 1)]
            for handle, state, some in zip(out, hashes, lines, strict=True):
                chunk = b"".join(some)
                handle.write(chunk)
                state.update(chunk)
            first = rows.stop
    for name, state in zip(SPLITS, hashes, strict=True):  # so that they need not be read again
        remember_digest(folder / f"{name}.jsonl", state.hexdigest())


class _Renaming:
    """Gives a line whose id was there already another one.

    Args:
        taken: the hashes of all ids.
    """

    def __init__(self, taken: Any) -> None:
        self.taken, self.numbers = taken, dict[str, int]()

    def __call__(self, line: bytes) -> bytes:
        name = orjson.loads(line)["id"]
        number = self.numbers.get(name, 1) + 1
        while np.isin(np.uint64(hashed(f"{name}-{number}")), self.taken):
            number += 1
        self.numbers[name] = number
        return _with_id(line, f"-{number}")


def _with_id(line: bytes, suffix: str) -> bytes:
    record = orjson.loads(line)
    return orjson.dumps({**record, "id": record["id"] + suffix}, option=orjson.OPT_APPEND_NEWLINE)


def repeats(index: Index) -> Any:
    """How often each dialogue stands in the train split, by the weight of its source; None where all stand once."""
    if all(source.weight == 1 for source in index.sources):
        return None
    weights = np.repeat([s.weight for s in index.sources], [s.dialogues for s in index.sources])
    chance = (index.rows["content"] >> np.uint64(11)) * 2.0**-53
    return np.floor(weights).astype(int) + (chance < weights % 1)


def write_rejected(staged: Path, index: Index, sources: Sequence[Source], folder: Path, places: Places | None) -> None:
    """Write what was set aside while reading, and then the dialogues that ``places`` puts in no split."""
    with written_whole(folder / REJECTED) as handle:
        with (staged / REJECTED).open(encoding="utf-8") as found:
            shutil.copyfileobj(found, handle)
        of_part = np.cumsum([part.dialogues for part in index.parts])
        of_source = np.cumsum([source.dialogues for source in index.sources])
        for row in [] if places is None else np.flatnonzero(places == CONFLICT).tolist():
            source = sources[int(np.searchsorted(of_source, row, side="right"))]
            record = int(index.rows["record"][row])
            file = index.parts[int(np.searchsorted(of_part, row, side="right"))].file or source.labels[record - 1]
            handle.write(rejected_line(Rejected(file, record, APART, source=source.name if len(sources) > 1 else None)))
