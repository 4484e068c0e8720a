"""The staged corpus: all that later steps need and no more, kept in the cache under the hash of what it was made from.

It is the dialogues as JSON lines in part files, redacted already; of each a row of numbers; and an index. The blocks of
all sources go through the processes some ahead, and their parts come back in order.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections import Counter, deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from itertools import count, groupby, islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from filelock import FileLock

from mentalft import data, safety
from mentalft import records as _records
from mentalft.assets import HELP_LINES, SCREEN, SIGNS_OF_RISK
from mentalft.console import bar, say
from mentalft.data.read.blocks import Block, array_blocks, blocks_of, file_blocks, scanned_text, value_blocks
from mentalft.data.read.encoding import name_of
from mentalft.data.read.forms import FORMS
from mentalft.data.read.layout import layout_of
from mentalft.data.read.pool import Submit
from mentalft.data.read.scanning import ArrayScanner, Raw
from mentalft.data.read.sources import Source
from mentalft.data.read.workers import COUNTED, ROW, Part, Settings
from mentalft.errors import DataError, first_line
from mentalft.files import (
    digest_file,
    json_line,
    read_json,
    sha256_file,
    sha256_folder,
    sha256_json,
    write_json,
    written_whole,
)  # fmt: skip
from mentalft.records import Rejected, SourceReport
from mentalft.words import Said

LIBRARIES = ("numpy", "orjson", "phonenumbers", "python-stdnum", "rensa", "xxhash")
"""What the staged corpus depends on besides our own code."""
AHEAD = 6
"""Blocks."""
INDEX, ROWS, REJECTED = "index.json", "rows", "rejected.jsonl"


class PartFile(NamedTuple):
    """What a block of a file became."""

    name: str
    digest: str
    """XXH3."""
    dialogues: int
    file: str | None
    """What its file is called; None where each record has a file of its own."""


@dataclass
class Index:
    """What is known of the staged dialogues."""

    topics: list[str] = field(default_factory=list)
    parts: list[PartFile] = field(default_factory=list)
    sources: list[SourceReport] = field(default_factory=list)
    """``dialogues`` says how many of the rows are of each; the hashes of its files come later."""
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    """What was repaired, redacted and remarked."""
    digests: dict[str, str] = field(default_factory=dict)
    """XXH3 of the files beside the parts."""
    rows: Any = None
    """(dialogues,) of :data:`mentalft.data.read.workers.ROW`, in the order of the input; in a file of its own."""


def rejected_line(rejected: Rejected) -> str:
    """What ``rejected.jsonl`` says of a record."""
    return json_line({key: value for key, value in vars(rejected).items() if value is not None})


class Reader:
    """Has files read block by block, some blocks ahead, and hands on their parts in order."""

    def __init__(self, folder: Path, submit: Submit) -> None:
        self.submit, self.is_alone = submit, True
        self.part_files = (folder / f"{number:06}.jsonl" for number in count(1))
        self.left: int | None = None
        """How many dialogues are still wanted; None are all."""

    def read(self, files: Sequence[Path], settings: Settings, *, whole_file: bool, passed: int = 0) -> Iterator[Part]:
        """Parts of files that are one record each, or of one file of records; with record numbers as in the file.

        Args:
            passed: of files that are one record each, how many there are before them.
        """
        blocks = file_blocks(files, settings.encoding)
        for part in self._parts(blocks, settings) if whole_file else self._of_one(files[0], settings):
            part.rows["record"] += passed
            part.rejected = [replace(one, record=passed + (one.record or 0)) for one in part.rejected]
            passed += part.records
            yield part

    def _of_one(self, path: Path, settings: Settings) -> Iterator[Part]:
        """Parts of one file; a JSON array comes in blocks as far as they parse, and past damage record by record."""
        blocks = array_blocks(path, settings.encoding)
        if not blocks:
            yield from self._parts(self._past_damage(path, blocks_of(path, settings.encoding)), settings)
            return
        starts = {block.start for block in blocks}
        start: int | None = 0
        while start is not None:
            failed = yield from self._parts((block for block in blocks if block.start >= start), settings)
            if failed is None:
                return
            scanner = ArrayScanner(*scanned_text(path, failed.start))
            records = scanner.records(opening=False, stop_at=starts - {failed.start})
            yield from self._parts(value_blocks(path, records), settings)
            start = scanner.stopped_at

    def _past_damage(self, path: Path, blocks: Iterator[Block]) -> Iterator[Block]:
        """``blocks``; a file that cannot be read further costs itself alone where there are others."""
        try:
            yield from blocks
        except DataError as error:
            if self.is_alone:
                raise
            yield Block("values", path, payload=[Raw(None, None, str(error).replace(str(path), path.name, 1))])

    def _parts(self, blocks: Iterator[Block], settings: Settings) -> Generator[Part, None, Block | None]:
        """What the blocks become, up to one that does not parse as a whole, which is returned."""
        ahead = AHEAD if self.left is None else 1  # only what is read says how much is left
        waiting: deque[tuple[Block, Future[Part | None]]] = deque()
        while self.left is None or self.left > 0:
            for block in islice(blocks, ahead - len(waiting)):
                waiting.append((block, self.submit(block, settings, next(self.part_files), self.left)))
            if not waiting:
                break
            block, future = waiting.popleft()
            part = future.result()
            if part is None:
                return block
            if self.left is not None:
                self.left -= len(part.rows)
            yield part
        return None


def stage(
    sources: list[Source], settings: dict[str, Settings], most: int | None, submit: Submit, folder: Path
) -> Index:
    """Write the staged corpus of ``sources`` into ``folder``."""
    folder.mkdir(parents=True)
    index, reader = Index(), Reader(folder, submit)
    topics: dict[str, int] = {}
    counts: dict[str, Counter[str]] = {name: Counter() for name in COUNTED}
    with (
        written_whole(folder / REJECTED) as rejected,
        (folder / ROWS).open("wb") as rows,
        bar(Said("data.reading_bar"), None) as shown,
    ):
        for source in sources:
            limits = [source.max_dialogues, most and most - sum(one.dialogues for one in index.sources)]
            reader.is_alone = len(source.files) == 1
            reader.left = min((limit for limit in limits if limit is not None), default=None)
            records = dialogues = 0
            reasons: Counter[str] = Counter()
            encodings: Counter[str] = Counter()
            for place, files, whole in _together(source, settings[source.name], encodings):
                for part in reader.read(files, settings[source.name], whole_file=whole, passed=place if whole else 0):
                    for one in part.rejected:
                        reasons[one.reason] += 1
                        label = source.labels[(one.record or 0) - 1 if whole else place]
                        of = source.name if len(sources) > 1 else None
                        rejected.write(rejected_line(replace(one, file=label, source=of)))
                    places = [topics.setdefault(topic, len(topics)) for topic in part.topics]
                    part.rows["topic"] = np.array(places, dtype=np.uint32)[part.rows["topic"]]
                    part.rows.tofile(rows)
                    for name, found in part.counts.items():
                        counts[name].update(found)
                    size, file = len(part.rows), None if whole else source.labels[place]
                    index.parts.append(PartFile(part.name, part.digest, size, file))
                    records, dialogues = records + part.records, dialogues + size
                    shown.advance(size)
            index.sources.append(source.report(records, dialogues, dict(reasons.most_common()), dict(encodings)))
    index.topics, index.counts = list(topics), dict(counts)
    index.digests = {name: digest_file(folder / name) for name in (ROWS, REJECTED)}
    for path in set(folder.glob("*.jsonl")) - {folder / name for name in (REJECTED, *(p.name for p in index.parts))}:
        path.unlink()  # read ahead in vain
    write_json(folder / INDEX, msgspec.to_builtins(index))
    index.rows = np.fromfile(folder / ROWS, ROW)
    return index


def _together(
    source: Source, settings: Settings, encodings: Counter[str]
) -> Iterator[tuple[int, Sequence[Path], bool]]:
    """The source's files, those that are one record each together: the place of the first, files, whether they are.

    Those that are not in UTF-8 are counted in ``encodings``.
    """

    def is_whole(path: Path) -> bool:
        try:
            layout = layout_of(path, settings.encoding)
            if layout.codec:
                encodings[name_of(layout.codec)] += 1
            return FORMS[settings.format].of is str or layout.kind == "whole"
        except DataError:
            return True  # it cannot be read; that is a reason to set it aside

    place = 0
    for whole, group in groupby(source.files, is_whole):
        files = list(group)
        yield from [(place, files, True)] if whole else [(place + n, [path], False) for n, path in enumerate(files)]
        place += len(files)


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
        "code": [
            sha256_folder(Path(data.__file__).parent / room, ("*.py",)) for room in ("", "read", "clean", "split")
        ],
        "records": sha256_file(Path(_records.__file__)),
        "help_lines": sha256_file(HELP_LINES),
        "safety": [
            sha256_folder(Path(safety.__file__).parent, ("*.py",)),
            sha256_file(SIGNS_OF_RISK),
            sha256_folder(SCREEN, ("rules.*", "means.*")),
        ],
        "libraries": {name: version(name) for name in LIBRARIES},
    }
    entry = cache / "prepared" / sha256_json(made_from)
    entry.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{entry}.lock"):  # whoever comes second waits, and finds it done
        index = _found(entry)
        if index is None:
            for left in entry.parent.glob(f"{entry.name}.*.tmp"):  # by a run that was killed
                shutil.rmtree(left, ignore_errors=True)
            building = entry.with_name(f"{entry.name}.{os.getpid()}.tmp")
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
    """The index of what is in the cache, if it is what was written."""
    if not entry.is_dir():
        return None
    try:
        index = msgspec.convert(read_json(entry / INDEX), Index)
        digests = {**index.digests, **{part.name: part.digest for part in index.parts}}
        if all(digest_file(entry / name) == digest for name, digest in digests.items()):
            index.rows = np.fromfile(entry / ROWS, ROW)
            return index
    except (OSError, ValueError, msgspec.ValidationError):
        pass
    say(Said("data.cache_damaged"), style="yellow")
    return None
