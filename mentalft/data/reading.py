"""Dialogues of one file, one after another: for files that are small enough to be read here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from mentalft.data.blocks import file_blocks, line_blocks, table_blocks
from mentalft.data.compressed import inner_suffix
from mentalft.data.gathering import Settings
from mentalft.data.pool import processes
from mentalft.data.shapes import is_array, shape_of
from mentalft.data.sources import local_files
from mentalft.data.staging import Collector, Reader
from mentalft.data.tables import TABLES
from mentalft.records import Dialogue, Rejected


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
