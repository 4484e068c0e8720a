"""What form a file's records have: found out from the first of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from mentalft.data.read.blocks import blocks_of, raw_records
from mentalft.data.read.compressed import COMPRESSED
from mentalft.data.read.forms import format_of, names
from mentalft.data.read.layout import layout_of
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
    path: Path,
    forced: str | None = None,
    columns: Mapping[str, str] | None = None,
    key: str = "data.path",
    encoding: str | None = None,
) -> Shape:
    """The form of ``path``, found from its first records unless ``forced`` says it.

    Args:
        columns: ``data.columns``; with a question and an answer, records that have them are rows of a table.
        key: the configuration key that holds ``path``, for messages.
        encoding: ``data.encoding``.

    Raises:
        DataError: it is none of the known ones; the message says what was seen.
    """
    named = tuple((columns or {}).items())
    layout = layout_of(path, encoding)
    raws = (raw for block in blocks_of(path, encoding) for raw in raw_records(block) or ())
    values = [raw.value for raw in islice(raws, LOOKED_AT) if raw.value]
    first = next((value for value in values if isinstance(value, dict)), {})
    if layout.kind == "table":
        if not first:
            raise DataError(f"{key}={path}: the table has no rows")
        if missing := [name for _, name in named if name not in first]:
            raise DataError(f"data.columns: {path.name} has no column {', '.join(missing)}; it has {_shown(first)}")
    found = next((form for value in values if (form := format_of(value, named))), None)
    if found or (forced and layout.kind != "table"):
        return Shape(forced or found or "", layout.kind == "whole")
    if layout.kind == "table":
        raise DataError(
            f"{key}={path}: no column is known to hold the question, or none the answer; it has {_shown(first)}; say "
            'which they are: \'data.columns={question: "NAME", answer: "NAME"}\''
        )
    seen = next((_in_words(value) for value in values if not isinstance(value, str)), "nothing that parses as JSON")
    raise DataError(f"{key}={path}: cannot tell its form: saw {seen}; set data.format, or give {ACCEPTED}")


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        return f"JSON objects with the keys {_shown(sorted(map(str, value))) or '(none)'}"
    return f"JSON whose records are {type(value).__name__}s"


def _shown(names: Iterable[Any]) -> str:
    """Names of columns or keys for a message; a table without a head has its first row there, so they are redacted."""
    from mentalft.data.clean.privacy import redactor

    text = redactor(())(", ".join(str(name) for name in names), Counter())
    return text[:300].encode("utf-8", "replace").decode("utf-8")
