"""One file, small enough to be read here: its records one after another, or its dialogues."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import orjson

from mentalft.data.read.blocks import blocks_of, raw_records
from mentalft.data.read.pool import Submit, processes
from mentalft.data.read.scanning import Raw
from mentalft.data.read.shapes import shape_of
from mentalft.data.read.sources import local_files
from mentalft.data.read.staging import Reader
from mentalft.data.read.workers import Part, Settings
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
    found = []
    for path in paths:
        with TemporaryDirectory() as folder, processes(path.stat().st_size, None) as submit:
            for part in _parts(path, "auto", key, Path(folder), submit):
                found.append(part.rows)
                (Path(folder) / part.name).unlink()
    rows = np.concatenate(found)
    return Keys(rows["content"], rows["opening"], rows["bands"])


def _parts(path: Path, format_name: str, key: str, folder: Path, submit: Submit) -> Iterator[Part]:
    shape = shape_of(path, None if format_name == "auto" else format_name, key=key)
    yield from Reader(folder, submit).read([path], Settings(shape.format, {}), whole_file=shape.whole_file)


def read_dialogues(path: Path, format_name: str = "auto", key: str = "data.path") -> Iterator[Dialogue | Rejected]:
    """Yield each record of ``path`` as a dialogue, or as what was wrong with it.

    Block by block; within a block what was wrong comes first.

    Text is mended as always, and not redacted.

    Raises:
        DataError: the file is missing, empty, or of no known form.
    """
    (path,) = local_files(str(path), key=key)
    with TemporaryDirectory() as folder, processes(0, 1) as submit:
        for part in _parts(path, format_name, key, Path(folder), submit):
            yield from part.rejected
            for line in (Path(folder) / part.name).read_bytes().splitlines():
                yield Dialogue.from_json(orjson.loads(line))
