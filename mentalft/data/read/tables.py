"""Rows of tables, some thousand at a time."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from mentalft.data.read.compressed import BINARY, cut_short, inner_suffix, opened
from mentalft.data.read.scanning import Raw
from mentalft.errors import DataError

TABLES = (".csv", ".tsv", *BINARY)
DELIMITERS = (",", ";", "\t")
LONGEST_ROW = 2000
"""Lines; a row of more is damage: an open quotation mark swallows all that follows."""
UNCLOSED = "a quotation mark opens in this row and is not closed"


def row_batches(path: Path, size: int, encoding: str | None = None) -> Iterator[list[Any]]:
    """Up to ``size`` rows at a time: dictionaries, or a :class:`Raw` with what is wrong with a row.

    Raises:
        DataError: the file as a whole is no such table.
    """
    try:
        yield from _batches(path, size, encoding)
    except DataError:
        raise
    except Exception as error:  # csv.Error, and pyarrow's own
        raise DataError(f"{path} cannot be read as a table ({error}); mend it, or get it again") from error


def _batches(path: Path, size: int, encoding: str | None) -> Iterator[list[Any]]:
    if path.suffix.lower() == ".xlsx":
        rows = _sheet_rows(path)
        while batch := list(islice(rows, size)):
            yield batch
        return
    if path.suffix.lower() in BINARY:
        yield from (part.to_pylist() for batch in _arrow_batches(path, size) for part in _parts(batch, size))
        return
    with (
        opened(path, encoding) as raw,
        io.TextIOWrapper(raw, encoding="utf-8-sig", errors="surrogateescape", newline="") as text,
    ):
        lines = (line.replace("\0", "") for line in text)
        head = next((line for line in lines if line.strip()), "")
        if head.lower().startswith("sep="):  # as Excel says it
            delimiter, head = head.rstrip("\r\n")[4:] or ",", next(lines, "")
        else:
            usual = "\t" if inner_suffix(path) == ".tsv" else ","
            delimiter = max(DELIMITERS, key=lambda one: (len(next(csv.reader([head], delimiter=one))), one == usual))
        rows = _named(csv_rows(chain([head], lines), delimiter))
        while batch := list(islice(rows, size)):
            if cut_short(raw):  # the last row may have lost its end
                batch[-1] = Raw(None, None, cut_short(raw))
            yield batch


def _arrow_batches(path: Path, size: int) -> Iterator[Any]:
    if path.suffix.lower() == ".parquet":
        import pyarrow.parquet as pq

        yield from pq.ParquetFile(path).iter_batches(batch_size=size)
        return
    import pyarrow as pa

    try:  # what datasets' save_to_disk writes
        yield from pa.ipc.open_stream(pa.memory_map(str(path)))
    except pa.ArrowInvalid:
        file = pa.ipc.open_file(pa.memory_map(str(path)))
        yield from map(file.get_batch, range(file.num_record_batches))


def _parts(batch: Any, size: int) -> Iterator[Any]:
    return (batch.slice(start, size) for start in range(0, batch.num_rows, size))


def _sheet_rows(path: Path) -> Iterator[Any]:
    """The rows of a workbook's first sheet, and of those that have the same head."""
    import openpyxl

    first: list[str] = []
    for sheet in openpyxl.load_workbook(path, read_only=True, data_only=True).worksheets:
        cells = ([None if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True))
        rows = (row for row in cells if any(row))
        names = [name or "" for name in next(rows, [])]
        first = first or names
        if names == first:
            yield from _named(chain([names], rows))
        elif names:
            yield Raw(None, None, f"the sheet {sheet.title!r} has other columns than the first and is not read")


def csv_rows(lines: Iterable[str], delimiter: str) -> Iterator[list[str] | None]:
    """The rows of a CSV text (RFC 4180); None for a line with an open quotation mark, after which reading goes on."""
    csv.field_size_limit(1 << 26)
    coming, again = iter(lines), deque[str]()
    taken: list[str] = []  # lines of the present row

    def fed() -> Iterator[str]:
        while len(taken) <= LONGEST_ROW:
            line = again.popleft() if again else next(coming, None)
            if line is None:
                return
            taken.append(line)
            yield line

    while True:
        for row in csv.reader(fed(), delimiter=delimiter):
            if len(taken) > 1 and _is_open(taken, delimiter):
                again.extendleft(reversed(taken[1:]))
                yield None
                taken.clear()
                break
            taken.clear()
            yield row
        else:
            return


def _is_open(lines: list[str], delimiter: str) -> bool:
    """Whether ``lines`` end inside quotation marks."""
    try:
        list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as error:
        return "unexpected end of data" in str(error)
    return False


def _named(rows: Iterable[Any]) -> Iterator[Any]:
    """Each row as a dictionary by the names in the first, None where it has no cell."""
    rows = iter(rows)
    names: list[Any] = next((row for row in rows if row), [])
    for row in rows:
        if row is None:
            yield Raw(None, None, UNCLOSED)
        elif any(cell and cell.strip() for cell in row[len(names) :]):
            yield Raw(None, None, f"the row has {len(row)} cells, the head {len(names)}")
        elif row:
            yield dict(zip(names, row + [None] * (len(names) - len(row)), strict=False))
