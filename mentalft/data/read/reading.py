"""One file, small enough to be read here: its records one after another, or its dialogues."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from mentalft.data.read.block_records import raw_records
from mentalft.data.read.blocks import blocks_of
from mentalft.data.read.gathering import Settings
from mentalft.data.read.pool import Submit, processes
from mentalft.data.read.scanning import Raw
from mentalft.data.read.shapes import shape_of
from mentalft.data.read.sources import local_files
from mentalft.data.read.staging import Collector, Reader
from mentalft.data.read.workers import Part
from mentalft.data.split.fingerprints import Keys
from mentalft.records import Dialogue, Rejected


def records_in(path: Path) -> Iterator[Raw]:
    """Every record of a file in order, or what is wrong with it: table rows, members of a JSON array, JSON lines."""
    return (raw for block in blocks_of(path) for raw in raw_records(block) or ())


def keys_in(paths: Sequence[Path], key: str) -> Keys:
    """What the dialogues of files of any form are compared by, those of all files together.

    Raises:
        DataError: a file is missing, empty, or of no known form.
    """
    collector = Collector(lambda _: None)
    with TemporaryDirectory() as folder, processes(sum(path.stat().st_size for path in paths), None) as submit:
        for path in paths:
            for part, name in _parts(path, "auto", key, Path(folder), submit, 6):
                collector.add(part, name, [path.name])
                (Path(folder) / name).unlink()
    arrays = collector.index().arrays
    return Keys(arrays["content"], arrays["opening"], arrays["bands"])


def _parts(
    path: Path, format_name: str, key: str, folder: Path, submit: Submit, ahead: int
) -> Iterator[tuple[Part, str]]:
    shape = shape_of(path, None if format_name == "auto" else format_name, key=key)
    settings = Settings(shape.format, {}, keep_leading_assistant=False, privacy="off", hotlines=())
    yield from Reader(folder, submit, settings, ahead).read([path], whole_file=shape.whole_file)


def read_dialogues(path: Path, format_name: str = "auto", key: str = "data.path") -> Iterator[Dialogue | Rejected]:
    """Yield each record of ``path`` as a dialogue, or as what was wrong with it.

    Block by block; within a block what was wrong comes first.

    Text is mended as always, and not redacted.

    Raises:
        DataError: the file is missing, empty, or of no known form.
    """
    (path,) = local_files(str(path), key=key)
    rejected: list[Rejected] = []
    collector = Collector(rejected.append)
    with TemporaryDirectory() as folder, processes(0, 1) as submit:
        for part, name in _parts(path, format_name, key, Path(folder), submit, 1):
            collector.add(part, name, [path.name])
            yield from rejected
            rejected.clear()
            for line in (Path(folder) / name).read_bytes().splitlines():
                yield Dialogue.from_json(orjson.loads(line))
