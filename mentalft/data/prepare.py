"""Stage 1: read, mend, redact, split; write ChatML JSONL and an account of every record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson

from mentalft.assets import QUESTION_BANK
from mentalft.config import DataConfig
from mentalft.console import say
from mentalft.data.clean.privacy import redactor
from mentalft.data.items import bank_items
from mentalft.data.lengths import TOKEN_SAMPLE
from mentalft.data.read.fields import PARTS
from mentalft.data.read.forms import NOT_GOOD
from mentalft.data.read.pool import Submit
from mentalft.data.read.sources import Source, local_files
from mentalft.data.read.staging import Index, staged
from mentalft.data.read.workers import Settings
from mentalft.data.report import BANK, PLACES, audit_lines, data_report, summary_lines
from mentalft.data.split.fingerprints import Keys
from mentalft.data.split.overlap import overlap
from mentalft.data.split.places import CONFLICT, SPLITS, Places, placed, thinned
from mentalft.data.writing import repeats, write_rejected, write_splits
from mentalft.errors import DataError
from mentalft.files import read_jsonl
from mentalft.records import Dialogue, Message, Overlap, Splits, TokenLengths
from mentalft.runs.files import DATA_REPORT

LEFT_OUT = {"duplicates": "exact duplicates", "between_splits": "near duplicates of dialogues in different splits"}
SMALLEST_SPLIT = {"train": 1, "validation": 1, "test": 2}
"""Dialogues; an interval over fewer than two held-out dialogues says nothing."""


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
        audit: the other stages are not asked for: say everything on screen that the report holds in short, and let a
            split be empty.

    Raises:
        DataError: a source cannot be used, or too little of it can; nothing but ``rejected.jsonl`` is left then.
    """
    settings = {source.name: _settings(source, cfg) for source in sources}
    folder = run_dir / "data"
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        scratch = folder / ".staging"
        at, index = stack.enter_context(staged(sources, settings, cfg.max_dialogues, submit, cache, scratch))
        pool = stack.enter_context(ThreadPoolExecutor(2))  # the other processes are done, so there are cores to spare
        hashed = [pool.submit(source.fingerprint) for source in sources]
        write_rejected(at, index, sources, folder, None)
        check_usable(index, cfg, sources, folder)
        keys = Keys(index.rows["content"], index.rows["opening"], index.rows["bands"])
        places = placed(keys, cfg.validation_fraction, cfg.test_fraction, cfg.split_seed)
        if not audit:
            _check_enough(places, sources)
            _check_between(places, cfg, sources)
        places = thinned(places, keys.content, cfg.train_fraction, cfg.split_seed)
        times = repeats(index)
        train_lines = int((places == 0).sum() if times is None else times[places == 0].sum())
        if not train_lines and not audit:
            raise DataError("data.sources: by their weights no line is left in the train split; raise one of them")
        overlaps = _overlaps(cfg, keys, places)
        counted = pool.submit(tokens, _sample(at, index, places)) if tokens else None
        write_splits(at, index, places, folder)
        write_rejected(at, index, sources, folder, places)
        index.sources = [replace(about, **one.result()) for one, about in zip(hashed, index.sources, strict=True)]
    report = data_report(cfg, index, places, overlaps, counted.result() if counted else None, train_lines)
    DATA_REPORT.save(run_dir, report)
    for line, style in [*summary_lines(report, folder), *(audit_lines(report) if audit else [])]:
        say(line, style=style)
    return splits_in(run_dir)


def _settings(source: Source, cfg: DataConfig) -> Settings:
    if unknown := sorted(source.columns.keys() - set(PARTS)):
        raise DataError(f"data.columns: {', '.join(unknown)} is not a part of a row; accepted are {', '.join(PARTS)}")
    return Settings(
        source.shape.format,
        dict(source.columns),
        cfg.encoding,
        cfg.leading_assistant == "keep",
        cfg.privacy,
        tuple(cfg.hotlines),
        cfg.system_message,
        cfg.html == "keep",
        cfg.thinking == "strip",
    )


def check_usable(index: Index, cfg: DataConfig, sources: list[Source], folder: Path) -> None:
    """Raise :class:`DataError` where there is no dialogue, or too large a share of the records was set aside."""
    reasons: Counter[str] = Counter()
    for source in index.sources:
        reasons.update(source.rejected_by_reason)
    records, rejected = sum(s.records for s in index.sources), sum(reasons.values())
    at_fault = Counter(row["file"] for row in read_jsonl(folder / "rejected.jsonl"))
    of_all = len(sources) == 1 == len(sources[0].files)
    name = "; ".join(file if of_all else f"{file} ({n} records)" for file, n in at_fault.most_common(3))
    shown = "; ".join(f"{n} × {reason}" for reason, n in reasons.most_common(5))
    unusable = rejected - reasons[NOT_GOOD]  # an answer that is said not to be good is no fault of the data
    if records == rejected:
        raise DataError(
            f"{name}: no usable dialogue in {records} records ({shown}); each is in {folder / 'rejected.jsonl'}"
        )
    if unusable > cfg.max_rejected * records:
        raise DataError(
            f"{name}: {unusable} of {records} records ({unusable / records:.1%}) cannot be used ({shown}); each is "
            f"in {folder / 'rejected.jsonl'}. Mend them, or allow it with "
            f"data.max_rejected={min(1, unusable / records + 0.005):.2f}"
        )


def _check_enough(places: Places, sources: list[Source]) -> None:
    sizes = dict(zip(SPLITS, np.bincount(places, minlength=len(SPLITS)).tolist(), strict=False))
    small = [name for name, least in SMALLEST_SPLIT.items() if sizes[name] < least]
    if small:
        shown = ", ".join(f"{name} {sizes[name]}" for name in SPLITS)
        raise DataError(
            f"{', '.join(s.name for s in sources)}: {sum(sizes.values())} usable dialogues split into {shown}; too few "
            f"for {' and '.join(small)} (at least 1, 1 and 2 are needed){_left_out(places)}; give more dialogues or "
            "raise data.validation_fraction and data.test_fraction, or look at the data alone with stages=[prepare]"
        )


def _left_out(places: Places) -> str:
    """How many usable dialogues are in no split, in words."""
    sizes = np.bincount(places, minlength=len(PLACES)).tolist()
    found = [f"{sizes[PLACES.index(name)]} {what}" for name, what in LEFT_OUT.items() if sizes[PLACES.index(name)]]
    return f", besides {' and '.join(found)}" if found else ""


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


def _sample(staged: Path, index: Index, places: Places) -> list[Dialogue]:
    """Some of the training dialogues, evenly spread."""
    rows = np.flatnonzero(places == SPLITS.index("train"))
    ends = np.cumsum(index.rows["bytes"], dtype=np.int64)
    firsts = np.cumsum([0, *[part.dialogues for part in index.parts]])
    found = []
    for row in rows[:: max(1, -(-len(rows) // TOKEN_SAMPLE))].tolist():
        number = int(np.searchsorted(firsts, row, side="right")) - 1
        before = ends[firsts[number] - 1] if number else 0
        with (staged / index.parts[number].name).open("rb") as handle:
            handle.seek(int(ends[row] - index.rows["bytes"][row] - before))
            found.append(Dialogue.from_json(orjson.loads(handle.readline())))
    return found
