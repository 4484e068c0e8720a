"""One file, small enough to be read here: its records one after another, or its dialogues."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from mentalft.data.read.blocks import blocks_of, raw_records
from mentalft.data.read.pool import processes
from mentalft.data.read.scanning import Raw
from mentalft.data.read.shapes import shape_of
from mentalft.data.read.sources import local_files
from mentalft.data.read.staging import Reader
from mentalft.data.read.workers import Settings
from mentalft.records import Dialogue, Rejected


def records_in(path: Path) -> Iterator[Raw]:
    """Every record of a file in order, or what is wrong with it: table rows, members of a JSON array, JSON lines."""
    return (raw for block in blocks_of(path) for raw in raw_records(block) or ())


def read_dialogues(path: Path, format_name: str = "auto", key: str = "data.path") -> Iterator[Dialogue | Rejected]:
    """Yield each record of ``path`` as a dialogue, or as what was wrong with it.

    Block by block; within a block what was wrong comes first.

    Text is mended as always, and not redacted.

    Raises:
        DataError: the file is missing, empty, or of no known form.
    """
    (path,) = local_files(str(path), key=key)
    shape = shape_of(path, None if format_name == "auto" else format_name, key=key)
    settings = Settings(shape.format, {})
    with TemporaryDirectory() as folder, processes(0, 1) as submit:
        for part in Reader(Path(folder), submit).read([path], settings, whole_file=shape.whole_file):
            yield from part.rejected
            for line in (Path(folder) / part.name).read_bytes().splitlines():
                yield Dialogue.from_json(orjson.loads(line))
