"""``data/report.json``: what became of every record, and how it is said on screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from mentalft.config import DataConfig
from mentalft.records import HELP_LINES, DataReport, Overlap, Shortened, SourceReport, Splits, TokenLengths
from mentalft.statistics import quantiles
from mentalft.words import Said

if TYPE_CHECKING:  # what they are made of is heavy, and a comparison reads the report alone
    from mentalft.data.read.staging import Index
    from mentalft.data.split.places import Places

SPLITS = Splits._fields
PLACES = (*SPLITS, "duplicates", "between_splits", "unused")
BANK = "question bank"
"""What the overlap with the embedded questions stands under."""
Line: TypeAlias = tuple[Said, str | None]
SHOWN = 5
"""Reasons, rules and types named on screen."""


def data_report(
    cfg: DataConfig, index: Index, places: Places, overlaps: dict[str, Overlap], tokens: TokenLengths | None,
    train_lines: int,
) -> DataReport:  # fmt: skip
    """The report, from the index of the staged corpus and the place of each dialogue."""
    sizes = dict(zip(PLACES, np.bincount(places, minlength=len(PLACES)).tolist(), strict=True))
    reasons: Counter[str] = Counter()
    for source in index.sources:
        reasons.update(source.rejected_by_reason)
    return DataReport(
        sources=tuple(index.sources),
        source=_as_one(cfg, index.sources),
        records=sum(s.records for s in index.sources),
        rejected=sum(reasons.values()),
        rejected_by_reason=dict(reasons.most_common()),
        duplicates=sizes["duplicates"],
        between_splits=sizes["between_splits"],
        unused=sizes["unused"],
        train_lines=train_lines,
        repaired_by_rule=dict(Counter(index.counts["repaired"]).most_common()),
        remarks=dict(Counter(index.counts["remarks"]).most_common()),
        unread=dict(Counter(index.counts["unread"]).most_common()),
        privacy={"mode": cfg.privacy, **dict(Counter(index.counts["privacy"]).most_common())},
        risk=dict(index.counts["risk"]),
        dialogues={name: sizes[name] for name in SPLITS},
        assistant_turns={n: int(index.rows["turns"][places == i].sum(dtype=int)) for i, n in enumerate(SPLITS)},
        topics=_topics(index, places),
        characters={n: quantiles(index.rows["characters"][places == i]) for i, n in enumerate(SPLITS)},
        tokens=tokens,
        overlap=overlaps,
    )


def _shared(name: str, one: Overlap) -> dict[str, Any]:
    called = Said("data.question_bank") if name == BANK else name
    return {"in_train": one.in_train, "items": one.items, "name": called}


def _as_one(cfg: DataConfig, sources: list[SourceReport]) -> dict[str, Any]:
    if len(sources) == 1:
        (one,) = sources
        of_it = {key: getattr(one, key) for key in ("bytes", "sha256", "revision", "licence", "homepage")}
        return {**of_it, "name": cfg.name, "file": one.files[0]}
    return {"name": cfg.name, "sha256": [s.sha256 for s in sources], "licence": [s.licence for s in sources]}


def _topics(index: Index, places: Places) -> dict[str, dict[str, int]]:
    kept = places < len(SPLITS)
    table = np.zeros((len(index.topics), len(SPLITS)), dtype=int)
    np.add.at(table, (index.rows["topic"][kept].astype(int), places[kept].astype(int)), 1)
    order = np.argsort(-table.sum(axis=1), kind="stable")
    return {index.topics[i]: dict(zip(SPLITS, table[i].tolist(), strict=True)) for i in order.tolist()}


def summary_lines(report: DataReport, folder: Path) -> list[Line]:
    """What is said on screen, each line with its style."""
    sizes = [Said("data.size", {"number": n, "name": Said(f"data.{name}")}) for name, n in report.dialogues.items()]
    lines: list[Line] = [(Said("data.records", {"records": report.records, "sizes": sizes}), None)]
    if report.train_lines != report.dialogues["train"]:
        lines.append((Said("data.weighted", {"lines": report.train_lines}), None))
    if report.rejected:
        where = {"rejected": report.rejected, "path": str(folder / "rejected.jsonl")}
        lines.append((Said("data.rejected", where), "yellow"))
        for reason in _most(report.rejected_by_reason, "reasons"):
            lines.append((Said("data.reason", {"line": reason}), "yellow"))
    for key, style in (("duplicates", None), ("between_splits", "yellow"), ("unused", None)):
        if number := getattr(report, key):
            lines.append((Said(f"data.{key}", {"number": number}), style))
    for key in ("repaired_by_rule", "remarks"):
        if counts := getattr(report, key):
            lines.append((Said(f"data.{key}", {"what": _most(counts, "more")}), None))
    lines += _unread_lines(report.unread)
    recoded = [pair for source in report.sources for pair in source.encodings.items()]
    lines += [(Said("data.recoded", {"number": number, "encoding": codec}), None) for codec, number in recoded]
    if found := report.personal:
        key = "redacted" if report.privacy["mode"] == "redact" else "not_redacted"
        lines.append((Said(f"data.{key}", {"what": _most(found, "types")}), None))
    if number := report.privacy.get(HELP_LINES):
        lines.append((Said("data.help_lines", {"number": number}), None))
    if report.risk:
        lines.append((Said("data.risk", {"found": Said("report.risk_found", report.risk)}), None))
    if (tokens := report.tokens) and tokens.shortened and tokens.max_length:
        seen, all_of_it = tokens.shortened.dialogues, report.dialogues["train"]
        split = "train" if seen == all_of_it else Said("data.sampled", {"seen": seen, "all": all_of_it})
        said = shortened_said("prepare", split, tokens.shortened, tokens.max_length)
        lines += [(line, "yellow") for line in said]
    overlaps = [(name, one) for name, one in report.overlap.items() if one.in_train]
    lines += [(Said("data.in_train", _shared(name, one)), "yellow") for name, one in overlaps]
    return lines


def audit_lines(report: DataReport) -> list[Line]:
    """What is said besides where the data stage runs alone: sources, lengths, topics."""
    lines = []
    for one in report.sources:
        count = one.file_count
        values = {
            "name": one.name,
            "files": one.files[0] if count == 1 else Said("data.files", {"count": count}),
            "size": one.bytes / 1e6,
            "sha256": one.sha256[:12],
            "revision": Said("data.revision", {"revision": one.revision}) if one.revision else "",
            "licence": one.licence,
        }
        lines.append(Said("data.source", values))
    turns = [Said("data.turns_of", {"n": n, "name": Said(f"data.{s}")}) for s, n in report.assistant_turns.items()]
    lines.append(Said("data.turns", {"turns": turns}))
    lines.append(Said("data.characters", {"spread": _spread(report.characters["train"])}))
    tokens = report.tokens
    if tokens is None or tokens.not_counted is not None:
        why = tokens.not_counted if tokens else Said("data.no_model")
        lines.append(Said("data.not_counted", {"why": why}))
    else:
        whose = {"model": tokens.model, "sampled": tokens.shortened.dialogues if tokens.shortened else 0}
        lines.append(Said("data.tokens", {**whose, "spread": _spread(tokens.quantiles)}))
        if tokens.embedded:
            lines.append(Said("data.embedded_tokenizer"))
    topics = {name: sum(sizes.values()) for name, sizes in report.topics.items()}
    lines.append(Said("data.topics", {"number": len(topics), "topics": _most(topics, "more")}))
    return [(line, None) for line in lines]


def _unread_lines(unread: dict[str, int]) -> list[Line]:
    shown = [Said("data.unread", {"number": n, "field": name}) for name, n in list(unread.items())[:SHOWN]]
    rest = [Said("data.unread_more", {"rest": len(unread) - SHOWN})] if len(unread) > SHOWN else []
    return [(line, "yellow") for line in (*shown, *rest)]


def shortened_said(stage: str, split: Any, shortened: Shortened, max_length: int) -> list[Said]:
    """What is said where not every dialogue fits."""
    values = {"stage": stage, "split": split, "max_length": max_length, **asdict(shortened)}
    if not (shortened.cut or shortened.left_out):
        return []
    return [Said("data.windows" if shortened.windows else "data.shortened", values)]


def _spread(quantiles_of: dict[str, int]) -> list[Said]:
    keys = {"0.05": "five", "0.5": "half", "0.95": "ninety_five", "1": "longest"}
    found = [Said(f"data.{keys[q]}", {"n": quantiles_of[q]}) for q in keys if q in quantiles_of]
    return found or [Said("data.none")]


def _most(counts: Mapping[str, object], more: str) -> list[Any]:
    found: list[Any] = [f"{number} × {what}" for what, number in list(counts.items())[:SHOWN]]
    rest = len(counts) - SHOWN
    return [*found, Said(f"data.and_{more}", {"rest": rest})] if rest > 0 else found
