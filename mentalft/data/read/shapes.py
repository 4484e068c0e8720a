"""What form a file's records have: found out from the first of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mentalft.data.read.blocks import scanned_text, table_blocks
from mentalft.data.read.compressed import COMPRESSED, inner_suffix, opened
from mentalft.data.read.encoding import BOM, HEAD
from mentalft.data.read.fields import Columns
from mentalft.data.read.forms import FORMS, format_of, is_object, names
from mentalft.data.read.scanning import LONGEST_RECORD, ArrayScanner, Raw
from mentalft.data.read.tables import TABLES
from mentalft.errors import DataError

ACCEPTED = (
    f"a file, folder or pattern of dialogues in one of the forms {', '.join(names()[1:])} "
    f"(JSON, JSON lines, text, a table with a head in {', '.join(TABLES)}; compressed too: {', '.join(COMPRESSED)})"
)
LOOKED_AT = 100
"""Records that are looked at to find out the form."""


class Shape(NamedTuple):
    """The form of a file."""

    format: str
    whole_file: bool
    """Whether the file is one record."""


def shape_of(
    path: Path, forced: str | None = None, columns: Mapping[str, str] | None = None, key: str = "data.path"
) -> Shape:
    """The form of ``path``, found from its first records unless ``forced`` says it.

    Args:
        columns: ``data.columns``; with a question and an answer, records that have them are rows of a table.
        key: the configuration key that holds ``path``, for messages.

    Raises:
        DataError: it is none of the known ones; the message says what was seen.
    """
    named = tuple((columns or {}).items())
    if inner_suffix(path) in TABLES:
        return Shape(_table_form(path, forced, named, key), whole_file=False)
    seen = "nothing that parses as JSON"
    for whole_file, value in _first_values(path):
        if (found := format_of(value, named)) is not None:
            return Shape(forced or found, whole_file)
        seen = seen if value is None or isinstance(value, str) else _in_words(value)
        if forced:
            break
    if forced:
        return Shape(forced, whole_file=FORMS[forced].of is str or _is_turn_list(path))
    raise DataError(f"{key}={path}: cannot tell its form: saw {seen}; set data.format, or give {ACCEPTED}")


def _table_form(path: Path, forced: str | None, columns: Columns, key: str) -> str:
    """The form of a table's rows: columns of turns as data sets on hubs have them, or a question and an answer."""
    found: list[Any] = next((block.payload for block in table_blocks(path)), [])
    rows: list[dict[str, Any]] = [row for row in found if isinstance(row, dict)]
    if not rows:
        raise DataError(f"{key}={path}: the table has no rows")
    names = _shown(rows[0])
    if missing := [name for _, name in columns if name not in rows[0]]:
        raise DataError(f"data.columns: {path.name} has no column {', '.join(missing)}; it has {names}")
    form = next((form for row in rows[:LOOKED_AT] if (form := format_of(row, columns))), None)
    if form is None:
        raise DataError(
            f"{key}={path}: no column is known to hold the question, or none the answer; it has {names}; say "
            'which they are: \'data.columns={question: "NAME", answer: "NAME"}\''
        )
    return forced or form


def _first_values(path: Path) -> Iterator[tuple[bool, Any]]:
    """(whether it is the whole file, value) of what may be the first records."""
    head = _head(path).removeprefix(BOM).decode("utf-8", "replace")
    if head.lstrip().startswith("["):
        if _is_turn_list(path):
            yield True, _whole(path)
            return
        scanner = ArrayScanner(*scanned_text(path))
        for _, raw in zip(range(LOOKED_AT), scanner.records(), strict=False):
            yield False, raw.value
    elif head.lstrip().startswith("{"):
        values = [raw.value for raw in _parsed_lines(head)]
        yield from ((False, value) for value in values)
        if not any(isinstance(value, dict) for value in values):
            yield True, _whole(path)
    else:
        yield True, head


def _head(path: Path) -> bytes:
    """The first bytes of ``path``; of JSON lines, the last of them whole."""
    with opened(path) as handle:
        head = handle.read(HEAD)
        is_lines = head.lstrip(b" \t\r\n" + BOM).startswith(b"{")
        return head + handle.readline(LONGEST_RECORD) if is_lines else head


def _parsed_lines(head: str) -> Iterator[Raw]:
    for line in head.split("\n")[:LOOKED_AT]:
        try:
            yield Raw(None, json.loads(line))
        except (ValueError, RecursionError):
            continue


def _is_turn_list(path: Path) -> bool:
    """Whether ``path`` is one conversation: an array whose items are turns, not records."""
    if path.stat().st_size > 1 << 20:
        return False
    value = _whole(path)
    return isinstance(value, list) and format_of(value) is not None and not is_object(format_of(value))


def _whole(path: Path) -> Any:
    try:
        with opened(path) as handle:
            return json.loads(handle.read().removeprefix(BOM))
    except (ValueError, RecursionError):
        return None


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        return f"JSON objects with the keys {_shown(sorted(map(str, value))) or '(none)'}"
    return f"JSON whose records are {type(value).__name__}s"


def _shown(names: Iterable[Any]) -> str:
    """Names of columns or keys for a message; a table without a head has its first row there, so they are redacted."""
    from mentalft.data.clean.privacy import redactor

    text = redactor(())(", ".join(str(name) for name in names), Counter())
    return text[:300].encode("utf-8", "replace").decode("utf-8")
