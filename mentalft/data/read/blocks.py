"""A data file cut into blocks of whole records, so that several processes can read it at once.

JSON lines are cut at line ends. An array of objects is cut where one record seems to end and the next to begin. That
is a guess, which the reader of a block proves: the first block begins at a true boundary, and a block that begins at
one and parses whole ends at one. Where a block does not parse, the tolerant scanner
(:mod:`mentalft.data.read.scanning`) takes over from its beginning, until it meets the beginning of a later block.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

from mentalft.data.read.compressed import COMPRESSED, cut_short, inner_suffix, opened
from mentalft.data.read.encoding import BOM
from mentalft.data.read.scanning import ArrayScanner, Raw
from mentalft.data.read.tables import TABLES, row_batches

BLOCK = 1 << 20
"""Bytes of a block; some hundred dialogues, so that a process holds little at a time."""
ROWS = 2000
"""Rows or small files in a block."""
BOUNDARY = rb"\}\s*,\s*(?=\{\s*%s)"
FIRST_KEY = re.compile(rb'\s*\[\s*\{\s*("(?:[^"\\]|\\.)*")')


class Block(NamedTuple):
    """Something for one process to read."""

    kind: Literal["array", "lines", "values", "rows", "files"]
    path: Path
    start: int = 0
    end: int = 0
    """``array``: byte offsets in the file. The last block of a file ends with the closing bracket."""
    last: bool = True
    payload: Any = None
    """``lines``: bytes; ``values``: records as read; ``rows``: dictionaries, or what is wrong with a row;
    ``files``: paths, a record each."""


def blocks_of(path: Path) -> Iterator[Block]:
    """All of a file in one pass: rows of a table, members of a JSON array, or JSON lines."""
    if inner_suffix(path) in TABLES:
        yield from table_blocks(path)
    elif is_array(path):
        handle, start = scanned_text(path)
        yield from value_blocks(path, ArrayScanner(handle, start).records())
        if problem := cut_short(handle.buffer):
            yield Block("values", path, payload=[Raw(None, None, problem)])
    else:
        yield from line_blocks(path)


def is_array(path: Path) -> bool:
    """Whether ``path`` holds a JSON array, not JSON lines."""
    with opened(path) as handle:
        return handle.read(4096).lstrip(b" \t\r\n" + BOM).startswith(b"[")


def line_blocks(path: Path) -> Iterator[Block]:
    """JSON lines, a few thousand at a time."""
    with opened(path) as handle:
        offset = 0
        rest = b""
        while chunk := handle.read(BLOCK):
            data = rest + chunk
            cut = data.rfind(b"\n") + 1
            if cut:
                yield Block("lines", path, start=offset, payload=data[:cut])
                offset += cut
            rest = data[cut:]
        if rest:
            yield Block("lines", path, start=offset, payload=rest)
        if problem := cut_short(handle):
            yield Block("values", path, payload=[Raw(offset + len(rest), None, problem)])


def array_blocks(path: Path) -> list[Block]:
    """An uncompressed array of objects; empty where the file is another one, or better scanned record by record."""
    size = path.stat().st_size
    with path.open("rb") as handle:
        head = handle.read(1 << 16)
        start = head.find(b"[") + 1
        first = FIRST_KEY.match(head.removeprefix(BOM))
        if path.suffix in (*COMPRESSED, *TABLES) or first is None:
            return []
        boundary = re.compile(BOUNDARY % re.escape(first[1]))
        cuts = [start]
        while (cut := _next_cut(handle, boundary, cuts[-1] + BLOCK)) is not None:
            cuts.append(cut)
    cuts.append(size)
    return [Block("array", path, a, b, last=b == size) for a, b in pairwise(cuts)]


def _next_cut(handle: IO[bytes], boundary: re.Pattern[bytes], position: int) -> int | None:
    """The first place at or after ``position`` where a record seems to begin."""
    overlap = 4096
    while True:
        handle.seek(position)
        window = handle.read((1 << 18) + overlap)
        if match := boundary.search(window):
            return position + match.end()
        if len(window) <= overlap:
            return None
        position += len(window) - overlap


def scanned_text(path: Path, start: int = 0) -> tuple[io.TextIOWrapper, int]:
    """``path`` from ``start`` as text, undecodable bytes kept visible as surrogates; and where it really starts."""
    if start == 0:
        with opened(path) as handle:
            start = 3 if handle.read(3) == BOM else 0
    handle = opened(path)
    if path.suffix in COMPRESSED:
        handle.read(start)  # not all of them can seek
    else:
        handle.seek(start)
    return io.TextIOWrapper(handle, encoding="utf-8", errors="surrogateescape", newline=""), start


def value_blocks(path: Path, records: Iterator[Raw]) -> Iterator[Block]:
    """Records that were read here, handed on in blocks."""
    while batch := list(islice(records, ROWS)):
        yield Block("values", path, payload=batch)


def table_blocks(path: Path) -> Iterator[Block]:
    """Rows of CSV, TSV or Parquet as dictionaries."""
    yield from (Block("rows", path, payload=rows) for rows in row_batches(path, ROWS))


def file_blocks(paths: Sequence[Path]) -> Iterator[Block]:
    """Files that hold one record each."""
    for start in range(0, len(paths), ROWS // 4):
        some = paths[start : start + ROWS // 4]
        yield Block("files", some[0].parent, payload=some)
