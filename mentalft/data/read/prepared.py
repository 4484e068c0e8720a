"""The staged corpus, kept in the cache under the hash of all that it was made from."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from filelock import FileLock
from xxhash import xxh3_128_hexdigest

from mentalft import data
from mentalft import records as _records
from mentalft.console import Bar, bar, say
from mentalft.data.read.gathering import Settings
from mentalft.data.read.pool import Submit
from mentalft.data.read.sources import Source
from mentalft.data.read.staging import Collector, Index, PartFile, Reader, rejected_line
from mentalft.errors import DataError, first_line
from mentalft.files import read_json, sha256_file, sha256_folder, sha256_json, write_json, written_whole
from mentalft.records import Rejected, SourceReport
from mentalft.words import Said

LIBRARIES = ("numpy", "orjson", "phonenumbers", "python-stdnum", "rensa", "xxhash")
"""What the staged corpus depends on besides our own code."""


def _code(room: str) -> str:
    return sha256_folder(Path(data.__file__).parent / room, ("*.py",))


class Damaged(Exception):
    """A staged corpus is not what was written."""


@contextmanager
def staged(
    sources: list[Source], settings: dict[str, Settings], most: int | None, submit: Submit, cache: Path | None,
    scratch: Path,
) -> Iterator[tuple[Path, Index]]:  # fmt: skip
    """Yield the folder of the staged corpus and its index, from the cache or made now.

    Args:
        settings: for each source, by its name.
        most: use so many dialogues at most, from the front.
        submit: has a block read, as :func:`mentalft.data.read.pool.processes` yields it.
        cache: the cache's folder; None makes the corpus in ``scratch`` and removes it afterwards.
    """
    with ExitStack() as stack:
        found = None
        if cache is not None:
            try:
                found = stack.enter_context(_in_cache(sources, settings, most, submit, cache))
            except OSError as error:
                if not _is_of(error, cache):
                    raise
                say(Said("cli.no_cache", {"folder": str(cache), "error": first_line(error)}), style="yellow")
        if found is None:
            shutil.rmtree(scratch, ignore_errors=True)
            stack.callback(shutil.rmtree, scratch, ignore_errors=True)
            found = scratch, stage(sources, settings, most, submit, scratch)
        yield found


def _is_of(error: OSError, folder: Path) -> bool:
    """Whether it is the disk or a file of ``folder`` that cannot be written."""
    if error.filename is None:
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
    return Path(str(error.filename)).is_relative_to(folder)


@contextmanager
def _in_cache(
    sources: list[Source], settings: dict[str, Settings], most: int | None, submit: Submit, cache: Path
) -> Iterator[tuple[Path, Index]]:
    made_from = {
        "sources": [{"digest": s.digest, "names": s.labels, "name": s.name, "most": s.max_dialogues} for s in sources],
        "shapes": [list(s.shape) for s in sources],
        "settings": {name: asdict(s) for name, s in settings.items()},
        "most": most,
        "code": [*map(_code, ("read", "clean", "split")), sha256_file(Path(_records.__file__))],
        "libraries": {name: version(name) for name in LIBRARIES},
    }
    key = sha256_json(made_from)
    entry = cache / "prepared" / key
    entry.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{entry}.lock"):  # whoever comes second waits, and finds it done
        index = _found(entry)
        if index is None:
            building = entry.with_name(f"{key}.{os.getpid()}.tmp")
            _remove_left_behind(entry)
            try:
                index = stage(sources, settings, most, submit, building)
                shutil.rmtree(entry, ignore_errors=True)
                building.replace(entry)
            finally:
                shutil.rmtree(building, ignore_errors=True)
        else:
            say(Said("data.from_cache"))
        yield entry, index


def _found(entry: Path) -> Index | None:
    if not entry.is_dir():
        return None
    try:
        index = read_index(entry)
        whole = all(xxh3_128_hexdigest((entry / part.name).read_bytes()) == part.digest for part in index.parts)
    except (OSError, ValueError, KeyError, TypeError, DataError, Damaged):
        whole = False
    if not whole:
        say(Said("data.cache_damaged"), style="yellow")
        return None
    return index


def _remove_left_behind(entry: Path) -> None:
    """Folders of runs that were killed while building; nobody else builds under the lock."""
    for folder in entry.parent.glob(f"{entry.name}.*.tmp"):
        shutil.rmtree(folder, ignore_errors=True)


def stage(
    sources: list[Source], settings: dict[str, Settings], most: int | None, submit: Submit, folder: Path
) -> Index:
    """Write the staged corpus of ``sources`` into ``folder``."""
    folder.mkdir(parents=True)
    with written_whole(folder / "rejected.jsonl") as handle:
        about: list[SourceReport] = []

        def reject(rejected: Rejected) -> None:
            source = sources[len(about)].name if len(sources) > 1 else None
            handle.write(rejected_line(replace(rejected, source=source)))

        collector = Collector(reject)
        with bar(Said("data.reading_bar"), None) as shown:
            for source in sources:
                limits = [n for n in (source.max_dialogues, most and most - collector.dialogues) if n is not None]
                limit = min(limits, default=None)
                about.append(_stage_one(source, settings[source.name], limit, folder, submit, collector, shown))
    index = collector.index()
    index.sources = about
    kept = {part.name for part in index.parts}
    for path in folder.glob("*.jsonl"):
        if path.name not in kept and path.name != "rejected.jsonl":
            path.unlink()
    np.savez(folder / "index.npz", **index.arrays)
    summary = {
        "topics": index.topics,
        "parts": index.parts,
        "sources": msgspec.to_builtins(index.sources),
        "counts": index.counts,
        "arrays": sha256_file(folder / "index.npz"),
        "rejected": sha256_file(folder / "rejected.jsonl"),
    }
    write_json(folder / "index.json", summary)
    return index


def read_index(folder: Path) -> Index:
    """The index of a staged corpus.

    Raises:
        Damaged: its files are not those that were written.
    """
    found = read_json(folder / "index.json")
    for name, key in (("index.npz", "arrays"), ("rejected.jsonl", "rejected")):
        if sha256_file(folder / name) != found[key]:
            raise Damaged(name)
    with np.load(folder / "index.npz", allow_pickle=False) as arrays:
        columns = dict(arrays)
    sources = msgspec.convert(found["sources"], list[SourceReport])
    return Index(columns, found["topics"], [PartFile(*p) for p in found["parts"]], sources, found["counts"])


def _stage_one(
    source: Source, settings: Settings, most: int | None, folder: Path, submit: Any, collector: Collector, shown: Bar
) -> SourceReport:
    """Stage one source; what the report says of it."""
    before = collector.dialogues, collector.records, collector.reasons.copy()
    reader = Reader(folder, submit, settings, ahead=6 if most is None else 1)
    labels = dict(zip(source.files, source.labels, strict=True))
    for files in _together(source):
        collector.in_file = 0
        reader.most = None if most is None else most - (collector.dialogues - before[0])
        if reader.most is not None and reader.most <= 0:
            break
        for part, name in reader.read(files, whole_file=source.shape.whole_file):
            collector.add(part, name, [labels[path] for path in files])
            shown.advance(len(part.bytes))
            if most is not None:
                reader.most = most - (collector.dialogues - before[0])
                if reader.most <= 0:
                    break
    return SourceReport(
        name=source.name,
        files=tuple(source.labels[:20]),
        file_count=len(source.files),
        format=source.shape.format,
        revision=source.revision,
        licence=source.licence,
        homepage=source.homepage,
        weight=source.weight,
        records=collector.records - before[1],
        dialogues=collector.dialogues - before[0],
        rejected_by_reason=dict((collector.reasons - before[2]).most_common()),
    )


def _together(source: Source) -> Iterator[list[Path]]:
    """The source's files: all at once where each is one record, else one by one."""
    if source.shape.whole_file:
        yield list(source.files)
    else:
        yield from ([path] for path in source.files)
