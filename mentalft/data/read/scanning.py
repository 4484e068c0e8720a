"""A JSON array, or objects one after another, read record by record, in bounded memory, past damage.

A damaged record costs that record only: the scanner looks for the next one that parses and carries a format's mark.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import IO, Any, NamedTuple

from mentalft.data.read.forms import format_of, is_object

CHUNK = 1 << 20
EDGE = 64
"""Characters; an error this near the end of the window may be the window's fault."""
LONGEST_RECORD = 8 << 20
"""Characters; a "record" that is longer is damage (an unclosed string swallows all that follows)."""

LONGEST_KEY = 1000
"""Characters; of what stands between one list of an object and the next."""
NEXT_LIST = re.compile(r'\]\s*,\s*"(?:[^"\\]|\\.)*"\s*:\s*\[\s*')
TWICE = "the key {key!r} is there twice in one object"
UNCLOSED = "a bracket opens before records and is not closed"


class Raw(NamedTuple):
    """One record as found: its byte offset in the file, and either a value or what is wrong with it."""

    offset: int | None
    value: Any
    problem: str | None = None


def why(error: Exception) -> str:
    """What keeps a text from being JSON."""
    if isinstance(error, RecursionError):
        return "not JSON: nested too deeply"
    return f"not JSON: {error.msg if isinstance(error, json.JSONDecodeError) else 'it holds a number too long to read'}"


def twice_in(pairs: list[tuple[str, Any]]) -> str | None:
    """What is wrong with the members of an object of which two have one key."""
    keys = [key for key, _ in pairs]
    return next((TWICE.format(key=key) for place, key in enumerate(keys) if key in keys[:place]), None)


class ArrayScanner:
    """Walks a JSON array with a window of text; holds one record and one chunk at a time.

    Args:
        handle: text with undecodable bytes as surrogates (``errors="surrogateescape"``), at the array's opening
            bracket or between two records.
        start: byte offset of ``handle`` in the file.
        kind: as in :class:`mentalft.data.read.layout.Layout`.
    """

    separator = re.compile(r"[\s,]*")
    next_record = re.compile(r'[\{\[]\s*["\{]')

    def __init__(self, handle: IO[str], start: int = 0, kind: str = "array") -> None:
        self.handle, self.kind, self.decoder = handle, kind, json.JSONDecoder(object_pairs_hook=self._object)
        self.twice: str | None = None
        self.text, self.position, self.ended = "", 0, False
        self._counted, self._bytes = 0, start  # of self.text, and the byte offset of what is counted
        self.stopped_at: int | None = None

    def records(self, *, opening: bool = True, stop_at: Collection[int] = ()) -> Iterator[Raw]:
        """Yield the records; stop before one that begins at an offset in ``stop_at``, noted in ``stopped_at``.

        Args:
            opening: whether the array's bracket is still to come.
        """
        if opening and self.kind != "objects":
            self._skip(re.compile(r"\s*\[?"))
        while True:
            self._skip(self.separator)
            if (problem := self._at_end()) is not None:
                if problem:
                    yield Raw(self._offset(), None, problem)
                return
            start = self._offset()
            if start in stop_at:
                self.stopped_at = start
                return
            self.twice = None
            try:
                value = self._value()
                yield Raw(start, value) if self.twice is None else Raw(start, None, self.twice)
            except (ValueError, RecursionError) as error:
                yield Raw(start, None, why(error))
                if not self._find_next_record():
                    return

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            self.twice = twice_in(pairs)
        return found

    def _at_end(self) -> str | None:
        """None where a record comes next; else what is wrong with the end, or nothing."""
        if self.position >= len(self.text):
            return "" if self.kind == "objects" else "the file ends before the array is closed; it may be cut"
        if self.text[self.position] != "]" or self.kind != "wrapped":
            return "" if self.text[self.position] == "]" and self._only_closing_left() else None
        while len(self.text) - self.position < LONGEST_KEY and self._read_more():
            pass
        if match := NEXT_LIST.match(self.text, self.position):  # as in {"train": […], "test": […]}
            self.position = match.end()
            return self._at_end()
        is_closed = self.text[self.position + 1 :].strip() == "}"
        return "" if is_closed else "what follows the list of records in its object is not read"

    def _value(self) -> Any:
        while True:
            try:
                value, end = self.decoder.raw_decode(self.text, self.position)
            except json.JSONDecodeError as error:
                if self._may_go_on(error) and self._read_more():
                    continue
                raise
            if len(self.text) - end < EDGE and self._read_more():
                continue  # a number may go on, and what follows the value must be seen
            self._check_boundary(value, end)
            self.position = end
            return value

    def _may_go_on(self, error: json.JSONDecodeError) -> bool:
        """Whether ``error`` may only mean that the window ends too early."""
        cut = error.msg.startswith("Unterminated string") or error.pos >= len(self.text) - EDGE
        return cut and len(self.text) - self.position < LONGEST_RECORD

    def _check_boundary(self, value: Any, end: int) -> None:
        """A value must be followed by a comma or the end; else it is the readable front part of a damaged record.

        A list of records up to the end of the file is the rest of the corpus behind a bracket too many.
        """
        after = self.text[end : end + 64].lstrip()
        if after and after[0] not in (",{" if self.kind == "objects" else ",]"):
            raise json.JSONDecodeError("Expecting ',' delimiter", self.text, end)
        if not after and isinstance(value, list) and any(isinstance(v, dict) and format_of(v) for v in value):
            raise json.JSONDecodeError(UNCLOSED, self.text, self.position)

    def _find_next_record(self) -> bool:
        """Move to the next place where something that looks like a record parses; False at the end of the file."""
        search_from = self.position + 1
        while True:
            match = self.next_record.search(self.text, search_from)
            if match is None:
                self.position = max(self.position, len(self.text) - 1)
                search_from = self.position
                if not self._read_more():
                    return False
                search_from = max(0, self.position - 1)
                continue
            self.position = match.start()
            try:
                value, _ = self.decoder.raw_decode(self.text, self.position)
            except json.JSONDecodeError as error:
                more = self._may_go_on(error) and self._read_more()
                search_from = self.position if more else self.position + 1
                continue
            except (ValueError, RecursionError):
                search_from = self.position + 1
                continue
            if is_object(format_of(value)):
                return True  # a bare list of turns may be the inside of a damaged record
            search_from = self.position + 1

    def _only_closing_left(self) -> bool:
        while self._read_more():
            if self.text[self.position + 1 :].strip():
                break
        rest = self.text[self.position + 1 :].strip()
        if rest:
            self.position += 1
        return not rest

    def _skip(self, pattern: re.Pattern[str]) -> None:
        while True:
            match = pattern.match(self.text, self.position)
            self.position = match.end() if match else self.position
            if self.position < len(self.text) or not self._read_more():
                return

    def _read_more(self) -> bool:
        if self.ended:
            return False
        chunk = self.handle.read(CHUNK)
        if not chunk:
            self.ended = True
            return False
        self._offset()
        self.text, self.position, self._counted = self.text[self.position :] + chunk, 0, 0
        return True

    def _offset(self) -> int:
        """Byte offset of the present position."""
        self._bytes += len(self.text[self._counted : self.position].encode("utf-8", "surrogateescape"))
        self._counted = self.position
        return self._bytes
