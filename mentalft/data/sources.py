"""Reading dialogue files record by record, in bounded memory, past damage.

A file is a *container* (a JSON array, or JSON lines) of *records* (see :mod:`mentalft.data.records_of`).
A damaged record costs that record only: the reader looks for the next one that parses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mentalft.data.records_of import READERS, NotADialogue
from mentalft.errors import DataError
from mentalft.records import Dialogue, Rejected

CHUNK = 1 << 20
EDGE = 64
"""Characters; an error this near the end of the window may be the window's fault."""
LONGEST_RECORD = 8 << 20
"""Characters; a "record" that is longer is damage (an unclosed string swallows all that follows)."""
FORMAT_OF_KEY = {"messages": "soulchat", "conversation": "emollm"}
ACCEPTED = (
    "a JSON array or JSON lines of SoulChatCorpus/ChatML records "
    '({"messages": [{"role", "content"}]}) or EmoLLM records ({"conversation": [{"input", "output"}]})'
)


class Raw(NamedTuple):
    """One record as found: its number (from 1), character offset, and either a value or what is wrong with it."""

    number: int
    offset: int
    value: Any
    problem: str | None


def check_file(path: Path, homepage: str | None = None) -> None:
    """Raise :class:`DataError` where ``path`` cannot be a data file; cheap, done before any work starts.

    Args:
        homepage: where a known data set can be had.
    """
    if path.is_dir():
        raise DataError(f"data.path={path} is a directory; name a file: {ACCEPTED}")
    if not path.exists():
        origin = f"download it from {homepage}, or " if homepage else ""
        raise DataError(f"data.path={path} does not exist; {origin}give the path of {ACCEPTED}")
    try:
        with path.open("rb") as handle:
            first = handle.read(4096)
    except OSError as error:
        raise DataError(f"data.path={path} cannot be read: {error.strerror}") from error
    if not first.strip(b" \t\r\n\xef\xbb\xbf"):
        raise DataError(f"data.path={path} is empty; expected {ACCEPTED}")


def read_dialogues(path: Path, format_name: str) -> Iterator[Dialogue | Rejected]:
    """Yield each record of ``path`` as a dialogue, or as what was wrong with it, in the file's order.

    Args:
        format_name: ``soulchat``, ``chatml``, ``emollm``, or ``auto`` to look at the first records.

    Raises:
        DataError: the file is missing, empty, a directory, or of none of the accepted forms.
    """
    check_file(path)
    reader = READERS[detect_format(path) if format_name == "auto" else format_name]
    for raw in raw_records(path):
        if raw.problem is not None:
            yield Rejected(path.name, raw.number, raw.problem, raw.offset)
            continue
        if not isinstance(raw.value, dict):
            yield Rejected(path.name, raw.number, "the record is not a JSON object", raw.offset)
            continue
        try:
            yield reader(raw.value, f"{path.stem}-{raw.number}")
        except NotADialogue as error:
            yield Rejected(path.name, raw.number, str(error), raw.offset)


def detect_format(path: Path) -> str:
    """The format of the first record that can be recognised among the first hundred.

    Raises:
        DataError: none can; the message says what was seen.
    """
    seen = "nothing that parses as JSON"
    for raw in raw_records(path):
        if isinstance(raw.value, dict):
            for key, name in FORMAT_OF_KEY.items():
                if key in raw.value:
                    return name
            seen = f"JSON objects with the keys {', '.join(sorted(map(str, raw.value)))[:120] or '(none)'}"
        if raw.number >= 100:
            break
    raise DataError(f"data.path={path}: saw {seen}; expected {ACCEPTED}")


def raw_records(path: Path) -> Iterator[Raw]:
    """Yield the records of a JSON array or of JSON lines, whichever the file is."""
    with path.open("rb") as handle:
        head = handle.read(4096).lstrip(b" \t\r\n\xef\xbb\xbf")
    return _array_records(path) if head.startswith(b"[") else _line_records(path)


def _line_records(path: Path) -> Iterator[Raw]:
    offset = number = 0
    # surrogateescape keeps undecodable bytes visible, so that the record that holds them is set aside by name
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="\n") as handle:
        for line in handle:
            if line.strip():
                number += 1
                try:
                    yield Raw(number, offset, json.loads(line), None)
                except (json.JSONDecodeError, RecursionError) as error:
                    yield Raw(number, offset, None, f"not JSON: {_why(error)}")
            offset += len(line)


def _array_records(path: Path) -> Iterator[Raw]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as handle:
        yield from _ArrayScanner(handle).records()


class _ArrayScanner:
    """Walks a JSON array with a window of text; holds one record and one chunk at a time."""

    separator = re.compile(r"[\s,]*")
    next_object = re.compile(r'\{\s*"')

    def __init__(self, handle: Any) -> None:
        self.handle, self.decoder = handle, json.JSONDecoder()
        self.text, self.position, self.dropped, self.ended = "", 0, 0, False

    def records(self) -> Iterator[Raw]:
        self._skip(re.compile(r"\s*\[?"))
        number = 0
        while True:
            self._skip(self.separator)
            if self.position >= len(self.text):
                number += 1
                yield Raw(number, self._offset(), None, "the file ends before the array is closed; it may be cut")
                return
            if self.text[self.position] == "]" and self._only_closing_left():
                return
            number += 1
            start = self._offset()
            try:
                yield Raw(number, start, self._value(), None)
            except (json.JSONDecodeError, RecursionError) as error:
                yield Raw(number, start, None, f"not JSON: {_why(error)}")
                if not self._find_next_record():
                    return

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
            self._check_boundary(end)
            self.position = end
            return value

    def _may_go_on(self, error: json.JSONDecodeError) -> bool:
        """Whether ``error`` may only mean that the window ends too early."""
        cut = error.msg.startswith("Unterminated string") or error.pos >= len(self.text) - EDGE
        return cut and len(self.text) - self.position < LONGEST_RECORD

    def _check_boundary(self, end: int) -> None:
        """A value must be followed by a comma or the end; else it is the readable front part of a damaged record."""
        after = self.text[end : end + 64].lstrip()
        if after and after[0] not in ",]":
            raise json.JSONDecodeError("Expecting ',' delimiter", self.text, end)

    def _find_next_record(self) -> bool:
        """Move to the next place where an object that looks like a record parses; False at the end of the file."""
        search_from = self.position + 1
        while True:
            match = self.next_object.search(self.text, search_from)
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
            except RecursionError:
                search_from = self.position + 1
                continue
            if isinstance(value, dict) and (FORMAT_OF_KEY.keys() & value.keys()):
                return True
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
        self.dropped += self.position
        self.text, self.position = self.text[self.position :] + chunk, 0
        return True

    def _offset(self) -> int:
        return self.dropped + self.position


def _why(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return error.msg
    return "nested too deeply"
