"""How the records of a file lie in it, seen in its beginning."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import IO, Literal, NamedTuple

from mentalft.data.read.compressed import BINARY, inner_suffix, opened, recoded_from
from mentalft.data.read.encoding import BOM, HEAD
from mentalft.data.read.fields import RECORD, plain_name
from mentalft.data.read.forms import format_of, is_turns
from mentalft.data.read.tables import TABLES

DECODER = json.JSONDecoder()
LINES = 100
"""That are looked at."""
SPACE = re.compile(r"\s*")
MEMBER = re.compile(r'[\s,]*("(?:[^"\\]|\\.)*")\s*:\s*')
FIRST_OBJECT = re.compile(r"\s*\[\s*(?=\{)")


class Layout(NamedTuple):
    kind: Literal["table", "array", "wrapped", "objects", "lines", "whole"]
    """An array; one that an object wraps; objects one after another; one a line; or the file is one record."""
    start: int = 0
    """Of the array, in bytes of the text in UTF-8."""
    codec: str | None = None
    """Of a text that is not in UTF-8."""


def layout_of(path: Path, encoding: str | None = None) -> Layout:
    """The layout of ``path``; ``encoding`` is ``data.encoding``."""
    if inner_suffix(path) in BINARY:
        return Layout("table")
    with opened(path, encoding) as handle:
        layout = Layout("table") if inner_suffix(path) in TABLES else _layout(handle)
        return layout._replace(codec=recoded_from(handle))


def _layout(handle: IO[bytes]) -> Layout:
    data = handle.read(HEAD)
    text = data.removeprefix(BOM).decode("utf-8", "replace")
    if text.lstrip().startswith("["):
        return Layout("array" if _holds_records(text) else "whole")
    if not text.lstrip().startswith("{"):
        return Layout("whole")
    if (place := _wrapped_list(text)) is not None:
        before = len(text[:place].encode()) + len(data) - len(data.removeprefix(BOM))
        return Layout("wrapped", before)
    lines = (data + handle.readline()).removeprefix(BOM).split(b"\n")[:LINES]
    return Layout("lines" if any(line.startswith(b"{") and _parses(line) for line in lines) else "objects")


def _holds_records(text: str) -> bool:
    """Whether an array is one of records and not the turns of one conversation."""
    match = FIRST_OBJECT.match(text)
    if match is None:
        return text.lstrip()[1:].lstrip().startswith("[")
    try:
        first, _ = DECODER.raw_decode(text, match.end())
    except (ValueError, RecursionError):
        return True
    return not is_turns(first)


def _wrapped_list(text: str) -> int | None:
    """Where the list of records begins in an object that is none itself: ``{"version": 1, "data": [{…``."""
    position = text.index("{") + 1
    while match := MEMBER.match(text, position):
        position = match.end()
        if plain_name(json.loads(match[1])) in RECORD["turns"]:
            return None
        try:
            if first := FIRST_OBJECT.match(text, position):
                value, _ = DECODER.raw_decode(text, first.end())
                return position if format_of(value) else None
            _, position = DECODER.raw_decode(text, position)
        except (ValueError, RecursionError):
            return None
    return None


def _parses(line: bytes) -> bool:
    try:
        json.loads(line.rstrip().removesuffix(b","))
    except (ValueError, RecursionError):
        return False
    return True
