"""The records of one block, parsed; those that do not parse with the reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import orjson

from mentalft.data.read.blocks import Block
from mentalft.data.read.compressed import cut_short, opened
from mentalft.data.read.encoding import BOM, is_foreign
from mentalft.data.read.scanning import Raw, why
from mentalft.errors import DataError

NOT_UTF8 = "the text is not in UTF-8"


def raw_records(block: Block) -> Iterator[Raw] | None:
    """The records of ``block``; None where an array block does not parse as a whole."""
    if block.kind == "array":
        return _array(block)
    if block.kind == "lines":
        return _lines(block)
    if block.kind == "files":
        return map(_file, block.payload)
    return (
        iter(block.payload)
        if block.kind == "values"
        else (row if isinstance(row, Raw) else Raw(None, row) for row in block.payload)
    )


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
        return (Raw(None, value) for value in orjson.loads(memoryview(text)[:end]))
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
        if is_foreign(line):
            return Raw(offset, None, NOT_UTF8)
        try:
            return Raw(offset, json.loads(line.decode("utf-8", "surrogateescape")))
        except (ValueError, RecursionError) as error:
            return Raw(offset, None, why(error))


def _file(path: Path) -> Raw:
    """A file that is one record; one that cannot be read costs itself alone."""
    try:
        with opened(path) as handle:
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
