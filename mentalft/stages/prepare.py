"""Stage 1: read, check, deduplicate and split; write ChatML JSONL."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from mentalft.assets import SAMPLE_DIALOGUES
from mentalft.config import EMBEDDED, DataConfig
from mentalft.console import progress, say
from mentalft.data.prompts import with_system
from mentalft.data.sources import read_dialogues
from mentalft.data.splits import SPLITS, content_key, split_of
from mentalft.errors import DataError
from mentalft.files import json_line, sha256_file, write_json, written_whole
from mentalft.records import Dialogue, Rejected, Splits

SMALLEST_SPLIT = {"train": 1, "validation": 1, "test": 2}
"""Dialogues; an interval over fewer than two held-out dialogues says nothing."""
REASONS_SHOWN = 5


def data_path(cfg: DataConfig) -> Path:
    return SAMPLE_DIALOGUES if cfg.path == EMBEDDED else Path(cfg.path).expanduser()


def splits_in(run_dir: Path) -> Splits:
    """Where the splits of a run are.

    Raises:
        DataError: the prepare stage has not run there.
    """
    splits = Splits(*(run_dir / "data" / f"{name}.jsonl" for name in SPLITS))
    for path in splits:
        if not path.is_file():
            raise DataError(
                f"{path} does not exist; add prepare to stages, or continue a run that has it with run_dir="
            )
    return splits


@dataclass
class _Counts:
    read: int = 0
    duplicates: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    dialogues: Counter[str] = field(default_factory=Counter)
    turns: Counter[str] = field(default_factory=Counter)
    topics: Counter[str] = field(default_factory=Counter)


def prepare(cfg: DataConfig, run_dir: Path) -> Splits:
    """Write ``data/{train,validation,test}.jsonl``, ``rejected.jsonl`` and ``report.json``.

    Raises:
        DataError: the file cannot be used, or too little of it can; nothing but ``rejected.jsonl`` is left then.
    """
    path, folder = data_path(cfg), run_dir / "data"
    counts = _Counts()
    with ExitStack() as stack:
        rejected = stack.enter_context(written_whole(folder / "rejected.jsonl"))
        with ExitStack() as splits:
            out = {name: splits.enter_context(written_whole(folder / f"{name}.jsonl")) for name in SPLITS}
            seen: set[bytes] = set()
            ids: set[str] = set()
            for record in progress(_limited(cfg, path), "reading dialogues"):
                counts.read += 1
                if isinstance(record, Rejected):
                    counts.reasons[_kind_of(record.reason)] += 1
                    rejected.write(json_line(asdict(record)))
                    continue
                key = content_key(record)
                if key in seen:
                    counts.duplicates += 1
                    continue
                seen.add(key)
                dialogue = _finished(record, cfg, ids)
                name = split_of(dialogue, cfg.validation_fraction, cfg.test_fraction, cfg.split_seed)
                out[name].write(json_line(dialogue.to_json()))
                _count(counts, dialogue, name)
            rejected.flush()
            stack.pop_all().close()  # what was set aside is kept, whatever becomes of the splits
            _check_enough(counts, path, folder)
    report = _report(cfg, path, counts)
    write_json(folder / "report.json", report)
    _summary(counts, folder)
    return splits_in(run_dir)


def _limited(cfg: DataConfig, path: Path) -> Any:
    """The records of ``path`` up to and including the ``max_dialogues``-th usable one."""
    good = 0
    for record in read_dialogues(path, cfg.format):
        yield record
        good += isinstance(record, Dialogue)
        if cfg.max_dialogues is not None and good >= cfg.max_dialogues:
            return


def _finished(dialogue: Dialogue, cfg: DataConfig, ids: set[str]) -> Dialogue:
    """``dialogue`` with its system message and an id that no other dialogue of the file has."""
    unique, attempt = dialogue.id, 1
    while unique in ids:
        attempt += 1
        unique = f"{dialogue.id}-{attempt}"
    ids.add(unique)
    return Dialogue(unique, dialogue.topic, tuple(with_system(dialogue.messages, cfg.system_message)))


def _count(counts: _Counts, dialogue: Dialogue, name: str) -> None:
    counts.dialogues[name] += 1
    counts.turns[name] += sum(m.role == "assistant" for m in dialogue.messages)
    counts.topics[dialogue.topic or "(none)"] += 1


def _kind_of(reason: str) -> str:
    """``reason`` without the position, so that like reasons are counted together."""
    head, colon, tail = reason.partition(": ")
    return tail if colon and "[" in head else reason


def _check_enough(counts: _Counts, path: Path, folder: Path) -> None:
    used = sum(counts.dialogues.values())
    set_aside = "; ".join(f"{n} × {reason}" for reason, n in counts.reasons.most_common(5))
    if not used:
        raise DataError(
            f"{path}: no usable dialogue in {counts.read} records ({set_aside}); each is in {folder / 'rejected.jsonl'}"
        )
    small = [name for name, least in SMALLEST_SPLIT.items() if counts.dialogues[name] < least]
    if small:
        sizes = ", ".join(f"{name} {counts.dialogues[name]}" for name in SPLITS)
        raise DataError(
            f"{path}: {used} usable dialogues split into {sizes}; too few for {' and '.join(small)} "
            "(at least 1, 1 and 2 are needed); give more dialogues or raise data.validation_fraction "
            "and data.test_fraction"
        )


def _report(cfg: DataConfig, path: Path, counts: _Counts) -> dict[str, Any]:
    return {
        "source": {
            "name": cfg.name,
            "file": path.name,
            "bytes": path.stat().st_size,
            "sha256": sha256_file(path),
            "licence": cfg.licence,
            "homepage": cfg.homepage,
        },
        "records": counts.read,
        "rejected": sum(counts.reasons.values()),
        "rejected_by_reason": dict(counts.reasons.most_common()),
        "duplicates": counts.duplicates,
        "dialogues": {name: counts.dialogues[name] for name in SPLITS},
        "assistant_turns": {name: counts.turns[name] for name in SPLITS},
        "topics": dict(counts.topics.most_common()),
    }


def _summary(counts: _Counts, folder: Path) -> None:
    sizes = ", ".join(f"{counts.dialogues[name]} {name}" for name in SPLITS)
    say(f"prepare: {counts.read} records → {sizes} dialogues")
    if counts.duplicates:
        say(f"prepare: {counts.duplicates} exact duplicates dropped")
    if counts.reasons:
        say(
            f"prepare: {sum(counts.reasons.values())} records set aside in {folder / 'rejected.jsonl'}:", style="yellow"
        )
        for reason, number in islice(counts.reasons.most_common(), REASONS_SHOWN):
            say(f"  {number} × {reason}", style="yellow")
        if len(counts.reasons) > REASONS_SHOWN:
            say(f"  and {len(counts.reasons) - REASONS_SHOWN} more reasons, all in that file", style="yellow")
