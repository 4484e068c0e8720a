"""A data file cut into blocks of whole records, so that several processes can read it at once.

JSON lines are cut at line ends. An array of objects is cut where one record seems to end and the next to begin. That
is a guess, which the reader of a block proves: the first block begins at a true boundary, and a block that begins at
one and parses whole ends at one. Where a block does not parse, the tolerant scanner
(:mod:`mentalft.data.read.scanning`) takes over from its beginning, until it meets the beginning of a later block.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple

import orjson

from mentalft.data.read.compressed import COMPRESSED, cut_short, opened
from mentalft.data.read.encoding import BOM, is_foreign
from mentalft.data.read.layout import layout_of
from mentalft.data.read.scanning import ArrayScanner, Raw, twice_in, why
from mentalft.data.read.tables import TABLES, row_batches
from mentalft.errors import DataError

BLOCK = 1 << 19
"""Bytes of a block; some hundred dialogues, whose arrays fit into a processor's cache."""
ROWS = 2000
"""Rows or small files in a block."""
WINDOW, EDGE = 1 << 18, 1 << 12
"""Bytes that are searched at once for a boundary, and how many of them are searched again with what follows."""
BOUNDARY = rb"\}\s*,\s*(?=\{\s*%s)"
FIRST_KEY = re.compile(b"(?:" + BOM + rb')?\s*\[\s*\{\s*("(?:[^"\\]|\\.)*")')
NOT_UTF8 = "the text is not in UTF-8"


class Block(NamedTuple):
    """Something for one process to read."""

    kind: Literal["array", "lines", "values", "files"]
    path: Path
    start: int = 0
    end: int = 0
    """``array``: byte offsets in the file. The last block of a file ends with the closing bracket."""
    last: bool = True
    payload: Any = None
    """``lines``: bytes; ``values``: records as read, or what is wrong with one; ``files``: paths, a record each."""
    encoding: str | None = None
    """``data.encoding``, for files."""


def blocks_of(path: Path, encoding: str | None = None) -> Iterator[Block]:
    """All of a file in one pass, whatever its layout."""
    layout = layout_of(path, encoding)
    if layout.kind == "table":
        yield from (Block("values", path, payload=rows) for rows in row_batches(path, ROWS, encoding))
    elif layout.kind == "whole":
        yield Block("files", path.parent, payload=[path], encoding=encoding)
    elif layout.kind == "lines":
        yield from line_blocks(path, encoding)
    else:
        handle, start = scanned_text(path, layout.start, encoding)
        yield from value_blocks(path, ArrayScanner(handle, start, layout.kind).records())
        if problem := cut_short(handle.buffer):
            yield Block("values", path, payload=[Raw(None, None, problem)])


def line_blocks(path: Path, encoding: str | None = None) -> Iterator[Block]:
    """JSON lines, some hundred at a time."""
    with opened(path, encoding) as handle:
        offset = 0
        while data := handle.read(BLOCK):
            data += handle.readline()
            yield Block("lines", path, start=offset, payload=data)
            offset += len(data)
        if problem := cut_short(handle):
            yield Block("values", path, payload=[Raw(offset, None, problem)])


def array_blocks(path: Path, encoding: str | None = None) -> list[Block]:
    """An uncompressed array of objects in UTF-8; empty where the file is another one, or better scanned."""
    size = path.stat().st_size
    with path.open("rb") as handle:
        head = handle.read(WINDOW)
        first = FIRST_KEY.match(head)
        if first is None or path.suffix.lower() in (*COMPRESSED, *TABLES) or layout_of(path, encoding).codec:
            return []
        boundary = re.compile(BOUNDARY % re.escape(first[1]))
        cuts = [head.index(b"[") + 1]
        position = cuts[0] + BLOCK
        while handle.seek(position) < size:
            if found := boundary.search(handle.read(WINDOW)):
                cuts.append(position + found.end())
                position = cuts[-1] + BLOCK
            else:
                position += WINDOW - EDGE
    cuts.append(size)
    return [Block("array", path, a, b, last=b == size) for a, b in pairwise(cuts)]


def scanned_text(path: Path, start: int = 0, encoding: str | None = None) -> tuple[io.TextIOWrapper, int]:
    """``path`` from ``start`` as text, undecodable bytes kept visible as surrogates; and where it really starts."""
    if start == 0:
        with opened(path, encoding) as handle:
            start = 3 if handle.read(3) == BOM else 0
    handle = opened(path, encoding)
    if handle.seekable():
        handle.seek(start)
    else:
        handle.read(start)
    return io.TextIOWrapper(handle, encoding="utf-8", errors="surrogateescape", newline=""), start


def value_blocks(path: Path, records: Iterator[Raw]) -> Iterator[Block]:
    """Records that were read here, handed on in blocks."""
    while batch := list(islice(records, ROWS)):
        yield Block("values", path, payload=batch)


def file_blocks(paths: Sequence[Path], encoding: str | None = None) -> Iterator[Block]:
    """Files that hold one record each."""
    for start in range(0, len(paths), ROWS // 4):
        some = paths[start : start + ROWS // 4]
        yield Block("files", some[0].parent, payload=some, encoding=encoding)


def raw_records(block: Block) -> Iterator[Raw] | None:
    """The records of ``block``, those that do not parse with the reason; None where an array does not as a whole."""
    if block.kind == "array":
        return _array(block)
    if block.kind == "lines":
        return _lines(block)
    if block.kind == "files":
        return (_file(path, block.encoding) for path in block.payload)
    return (row if isinstance(row, Raw) else Raw(None, row) for row in block.payload)


def _array(block: Block) -> Iterator[Raw] | None:
    text = bytearray(1 + block.end - block.start)  # read into place, for copies of a megabyte cost
    with block.path.open("rb") as handle:
        handle.seek(block.start)
        handle.readinto(memoryview(text)[1:])
    end = len(text)
    while end > 1 and text[end - 1] in b" \t\r\n":
        end -= 1
    closing = b"]" if block.last else b","
    if text[end - 1 : end] != closing or (block.last and not text[1 : end - 1].strip()):
        return None
    text[0], text[end - 1] = b"[]"
    try:
        values = orjson.loads(memoryview(text)[:end])
    except orjson.JSONDecodeError:
        return None
    return None if _has_lost_keys(text, values) else (Raw(None, value) for value in values)


def _has_lost_keys(text: bytes | bytearray, value: Any) -> bool:
    """Whether ``text`` has more keys than what it was parsed to: one that is there twice is lost."""
    again = orjson.dumps(value)
    return text.count(b'":') - text.count(b'\\":') > again.count(b'":') - again.count(b'\\":')


def _lines(block: Block) -> Iterator[Raw]:
    offset = block.start
    for line in block.payload.removeprefix(BOM if block.start == 0 else b"").split(b"\n"):
        if line.strip():
            yield _parsed(line, offset)
        offset += len(line) + 1


def _parsed(line: bytes, offset: int | None) -> Raw:
    try:
        value = orjson.loads(line)
        if not _has_lost_keys(line, value):
            return Raw(offset, value)
    except orjson.JSONDecodeError:  # stricter than JSON as it is found: a lone surrogate, NaN, a comma at the end
        if is_foreign(line):
            return Raw(offset, None, NOT_UTF8)
    twice: list[str | None] = []

    def member(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        twice.append(twice_in(pairs))
        return dict(pairs)

    text = line.decode("utf-8", "surrogateescape").rstrip().removesuffix(",")
    try:
        value = json.loads(text, object_pairs_hook=member)
    except (ValueError, RecursionError) as error:
        return Raw(offset, None, why(error))
    problem = next(filter(None, twice), None)
    return Raw(offset, None, problem) if problem else Raw(offset, value)


def _file(path: Path, encoding: str | None) -> Raw:
    """A file that is one record; one that cannot be read costs itself alone."""
    try:
        with opened(path, encoding) as handle:
            data = handle.read().removeprefix(BOM)
            problem = cut_short(handle)
    except DataError as error:
        return Raw(None, None, str(error).removeprefix(f"{path}: "))
    except OSError as error:
        return Raw(None, None, f"cannot be read: {error.strerror}")
    if problem or not data.strip():
        return Raw(None, None, problem or "the file is empty")
    if data.lstrip()[:1] in (b"[", b"{"):
        return _parsed(data, None)
    return Raw(None, None, NOT_UTF8) if is_foreign(data) else Raw(None, data.decode("utf-8", "replace"))
