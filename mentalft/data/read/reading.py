"""One file, small enough to be read here: its records one after another, or its dialogues."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from mentalft.data.read.block_records import raw_records
from mentalft.data.read.blocks import file_blocks, line_blocks, scanned_text, table_blocks
from mentalft.data.read.compressed import inner_suffix, opened
from mentalft.data.read.encoding import check_encoding
from mentalft.data.read.gathering import Settings
from mentalft.data.read.pool import processes
from mentalft.data.read.scanning import ArrayScanner, Raw
from mentalft.data.read.shapes import is_array, shape_of
from mentalft.data.read.sources import local_files
from mentalft.data.read.staging import Collector, Reader
from mentalft.data.read.tables import TABLES
from mentalft.errors import DataError
from mentalft.records import Dialogue, Rejected

FILES = "a JSON, JSON lines, CSV, TSV or Parquet file (.gz and .zst too)"


def records_in(path: Path, key: str) -> Iterator[Raw]:
    """Every record of a file in order, or what is wrong with it: table rows, members of a JSON array, JSON lines.

    Args:
        key: the configuration key that holds ``path``, for messages.

    Raises:
        DataError: there is no such file, it is empty, or in another encoding than UTF-8.
    """
    check_file(path, key)
    if inner_suffix(path) in TABLES:
        blocks = table_blocks(path)
    elif is_array(path):
        return ArrayScanner(*scanned_text(path)).records()
    else:
        blocks = line_blocks(path)
    return (raw for block in blocks for raw in raw_records(block) or ())


def check_file(path: Path, key: str) -> None:
    """As :func:`records_in` raises."""
    if not path.exists():
        raise DataError(f"{key}={path} does not exist; give {FILES}")
    if not path.is_file():
        raise DataError(f"{key}={path} must be a regular file, not a folder, pipe or device; give {FILES}")
    with opened(path) as handle:
        head = handle.read(1 << 16)
    if not head.strip():
        raise DataError(f"{key}={path} is empty; give {FILES}")
    if inner_suffix(path) != ".parquet":
        check_encoding(head, f"{key}={path}")


def read_dialogues(path: Path, format_name: str = "auto") -> Iterator[Dialogue | Rejected]:
    """Yield each record of ``path`` as a dialogue, or as what was wrong with it.

    Block by block; within a block what was wrong comes first.

    Text is mended as always, and not redacted.

    Raises:
        DataError: the file is missing, empty, or of no known form.
    """
    (path,) = local_files(str(path))
    shape = shape_of(path, None if format_name == "auto" else format_name)
    settings = Settings(shape.format, {}, keep_leading_assistant=False, privacy="off", hotlines=())
    rejected: list[Rejected] = []
    collector = Collector(rejected.append)
    with TemporaryDirectory() as folder, processes(0, 1) as submit:
        reader = Reader(Path(folder), submit, settings, ahead=1)
        if shape.whole_file:
            parts = reader.plain(file_blocks([path]))
        elif inner_suffix(path) in TABLES:
            parts = reader.plain(table_blocks(path))
        else:
            parts = reader.array(path) if is_array(path) else reader.plain(line_blocks(path))
        for part, name in parts:
            collector.add(part, name, [path.name])
            yield from rejected
            rejected.clear()
            for line in (Path(folder) / name).read_bytes().splitlines():
                yield Dialogue.from_json(orjson.loads(line))
