"""Stage 1: read, mend, redact, split; write ChatML JSONL and an account of every record."""

from __future__ import annotations

import shutil
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from mentalft.assets import QUESTION_BANK
from mentalft.config import DataConfig
from mentalft.console import progress, say
from mentalft.data.clean.privacy import redactor
from mentalft.data.items import bank_items
from mentalft.data.lengths import TOKEN_SAMPLE
from mentalft.data.prompts import with_system
from mentalft.data.read.gathering import settings_for
from mentalft.data.read.pool import Submit
from mentalft.data.read.prepared import staged
from mentalft.data.read.sources import Source, local_files
from mentalft.data.read.staging import Index, PartFile
from mentalft.data.report import BANK, audit_lines, data_report, summary_lines
from mentalft.data.split.fingerprints import Keys
from mentalft.data.split.overlap import overlap
from mentalft.data.split.places import CONFLICT, SPLITS, Places, later_copies, placed, thinned
from mentalft.data.writing import Writer, repeats
from mentalft.errors import DataError
from mentalft.files import written_whole
from mentalft.records import Dialogue, Message, Overlap, Splits, TokenLengths
from mentalft.runs.files import DATA_REPORT
from mentalft.words import Said

SMALLEST_SPLIT = {"train": 1, "validation": 1, "test": 2}
"""Dialogues; an interval over fewer than two held-out dialogues says nothing."""


@dataclass(frozen=True)
class Prepared:
    """A staged corpus with every dialogue's place."""

    folder: Path
    index: Index
    places: Places


def split_paths(run_dir: Path) -> Splits:
    """Where the splits of a run are, whether or not they are there."""
    return Splits(*(run_dir / "data" / f"{name}.jsonl" for name in SPLITS))


def splits_in(run_dir: Path) -> Splits:
    """Where the splits of a run are.

    Raises:
        DataError: the prepare stage has not run there.
    """
    splits = split_paths(run_dir)
    for path in splits:
        if not path.is_file():
            raise DataError(
                f"{path} does not exist; add prepare to stages, or continue a run that has it with run_dir="
            )
    return splits


def prepare(
    cfg: DataConfig,
    sources: list[Source],
    run_dir: Path,
    submit: Submit,
    cache: Path | None = None,
    tokens: Callable[[list[Dialogue]], TokenLengths] | None = None,
    *,
    audit: bool = False,
) -> Splits:
    """Write ``data/{train,validation,test}.jsonl``, ``rejected.jsonl`` and ``report.json``.

    Args:
        submit: has a block read, as :func:`mentalft.data.read.pool.processes` yields it.
        cache: the cache's folder; None keeps nothing.
        tokens: a function from a sample of dialogues to the report of their lengths in tokens.
        audit: say everything on screen that the report holds in short.

    Raises:
        DataError: a source cannot be used, or too little of it can; nothing but ``rejected.jsonl`` is left then.
    """
    settings = {s.name: settings_for(s.shape.format, dict(s.columns), cfg) for s in sources}
    folder = run_dir / "data"
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        place = folder / ".staging"
        at, index = stack.enter_context(staged(sources, settings, cfg.max_dialogues, submit, cache, place))
        pool = stack.enter_context(ThreadPoolExecutor(2))  # the other processes are done, so there are cores to spare
        hashed = [pool.submit(source.fingerprint) for source in sources]
        _copy_whole(at / "rejected.jsonl", folder / "rejected.jsonl")
        check_usable(index, cfg, sources, folder)
        keys = Keys(index.arrays["content"], index.arrays["opening"], index.arrays["bands"])
        places = placed(keys, cfg.validation_fraction, cfg.test_fraction, cfg.split_seed)
        _check_enough(places, sources)
        _check_between(places, cfg, sources)
        places = thinned(places, keys.content, cfg.train_fraction, cfg.split_seed)
        times = repeats(index)
        train_lines = int((places == 0).sum() if times is None else times[places == 0].sum())
        if not train_lines:
            raise DataError("data.sources: by their weights no line is left in the train split; raise one of them")
        overlaps = _overlaps(cfg, keys, places)
        prepared = Prepared(at, index, places)
        counted = pool.submit(tokens, _sample(cfg, prepared)) if tokens else None
        _write(cfg, prepared, folder, sources)
        index.sources = [replace(about, **one.result()) for one, about in zip(hashed, index.sources, strict=True)]
    report = data_report(cfg, index, places, overlaps, counted.result() if counted else None, train_lines)
    DATA_REPORT.save(run_dir, report)
    for line, style in [*summary_lines(report, folder), *(audit_lines(report) if audit else [])]:
        say(line, style=style)
    return splits_in(run_dir)


def check_usable(index: Index, cfg: DataConfig, sources: list[Source], folder: Path) -> None:
    """Raise :class:`DataError` where there is no dialogue, or too large a share of the records was set aside."""
    reasons: Counter[str] = Counter()
    for source in index.sources:
        reasons.update(source.rejected_by_reason)
    records, rejected = sum(s.records for s in index.sources), sum(reasons.values())
    name = ", ".join(s.name if len(sources) > 1 else s.files[0].name for s in sources)
    shown = "; ".join(f"{n} × {reason}" for reason, n in reasons.most_common(5))
    if records == rejected:
        raise DataError(
            f"{name}: no usable dialogue in {records} records ({shown}); each is in {folder / 'rejected.jsonl'}"
        )
    if rejected > cfg.max_rejected * records:
        raise DataError(
            f"{name}: {rejected} of {records} records ({rejected / records:.1%}) cannot be used ({shown}); each is "
            f"in {folder / 'rejected.jsonl'}. Mend them, or allow it with "
            f"data.max_rejected={min(1, rejected / records + 0.005):.2f}"
        )


def _check_enough(places: Places, sources: list[Source]) -> None:
    sizes = dict(zip(SPLITS, np.bincount(places, minlength=len(SPLITS)).tolist(), strict=False))
    small = [name for name, least in SMALLEST_SPLIT.items() if sizes[name] < least]
    if small:
        shown = ", ".join(f"{name} {sizes[name]}" for name in SPLITS)
        raise DataError(
            f"{', '.join(s.name for s in sources)}: {sum(sizes.values())} usable dialogues split into {shown}; too few "
            f"for {' and '.join(small)} (at least 1, 1 and 2 are needed); give more dialogues or raise "
            "data.validation_fraction and data.test_fraction"
        )


def _check_between(places: Places, cfg: DataConfig, sources: list[Source]) -> None:
    between = int((places == CONFLICT).sum())
    if between > cfg.max_rejected * len(places):
        raise DataError(
            f"{', '.join(s.name for s in sources)}: {between} of {len(places)} dialogues are near duplicates of others "
            "in different splits, as in a corpus made from templates; without a leak they can be in none. Thin it out, "
            f"or go on without them: data.max_rejected={min(1, between / len(places) + 0.005):.2f}"
        )


def _overlaps(cfg: DataConfig, keys: Keys, places: Places) -> dict[str, Overlap]:
    """Of the question bank, and of each external test set, with the train split."""
    train = places == SPLITS.index("train")
    in_train = Keys(keys.content[train], keys.opening[train], keys.bands[train])
    sets = {BANK: _bank(), **{path: _external(path) for path in cfg.external_tests}}
    found = {name: overlap(asked, in_train) for name, asked in sets.items()}
    if cfg.privacy == "redact":
        redact = redactor(cfg.hotlines)
        found = {
            name: replace(one, first=tuple(redact(called, Counter()) for called in one.first))
            for name, one in found.items()
        }
    for name, one in found.items():
        if one.share > cfg.max_overlap:
            raise DataError(
                f"{name}: {one.in_train} of its {one.items} items are in the train split (first: "
                f"{', '.join(one.first[:3])}), so its scores would flatter the tuned model; leave them out of the "
                f"data, or allow it with data.max_overlap={min(1, one.share + 0.005):.2f}"
            )
    return found


def _bank() -> list[Dialogue]:
    return [
        Dialogue(i.id, i.topic, (*i.messages, Message("assistant", i.references[0])))
        for i in bank_items(QUESTION_BANK, None)
    ]


def _external(path: str) -> list[Dialogue]:
    from mentalft.data.read.reading import read_dialogues

    files = local_files(path, key="data.external_tests")
    found = [d for f in files for d in read_dialogues(f, key="data.external_tests") if isinstance(d, Dialogue)]
    if not found:
        raise DataError(f"data.external_tests: {path} holds no dialogue")
    return found


def _sample(cfg: DataConfig, prepared: Prepared) -> list[Dialogue]:
    """Some of the training dialogues, evenly spread."""
    index = prepared.index
    rows = np.flatnonzero(prepared.places == SPLITS.index("train"))
    rows = rows[:: max(1, -(-len(rows) // TOKEN_SAMPLE))]
    ends = np.cumsum(index.arrays["bytes"], dtype=np.int64)
    first = np.cumsum([0, *[part.dialogues for part in index.parts]])
    found = []
    for number, mine in _by_part(rows, first):
        before = ends[first[number] - 1] if first[number] else 0
        with (prepared.folder / index.parts[number].name).open("rb") as handle:
            for row in mine.tolist():
                handle.seek(int(ends[row] - index.arrays["bytes"][row] - before))
                found.append(Dialogue.from_json(orjson.loads(handle.readline())))
    return [replace(d, messages=tuple(with_system(d.messages, cfg.system_message))) for d in found]


def _by_part(rows: Any, first: Any) -> Iterator[tuple[int, Any]]:
    """Numbers of parts with those of ``rows`` that are in them; ``first`` has the first row of each part."""
    of = np.searchsorted(first, rows, side="right") - 1
    for number in np.unique(of).tolist():
        yield number, rows[of == number]


def _write(cfg: DataConfig, prepared: Prepared, folder: Path, sources: list[Source]) -> None:
    index, places = prepared.index, prepared.places
    kept = places < len(SPLITS)
    same_id = np.zeros(len(places), dtype=bool)
    same_id[kept] = later_copies(index.arrays["ids"][kept])
    with ExitStack() as stack:
        writer = Writer(cfg, index, places, folder, stack, sources)
        start = 0
        for part, data in progress(_read_ahead(prepared, stack), Said("data.writing_bar"), total=len(index.parts)):
            writer.part(part, data, same_id, start)
            start += part.dialogues
        writer.finish()
    writer.remember_digests(folder)


def _read_ahead(prepared: Prepared, stack: ExitStack) -> Iterator[tuple[PartFile, bytes]]:
    """Each part with what is in its file, some of them read while others are written."""
    pool = stack.enter_context(ThreadPoolExecutor(1))
    waiting: deque[tuple[PartFile, Future[bytes]]] = deque()
    for part in prepared.index.parts:
        waiting.append((part, pool.submit((prepared.folder / part.name).read_bytes)))
        if len(waiting) > 4:
            first, data = waiting.popleft()
            yield first, data.result()
    yield from ((part, data.result()) for part, data in waiting)


def _copy_whole(source: Path, target: Path) -> None:
    with written_whole(target) as handle, source.open(encoding="utf-8") as found:
        shutil.copyfileobj(found, handle)
