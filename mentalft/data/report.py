"""``data/report.json``: what became of every record, and how it is said on screen."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from mentalft.config import DataConfig
from mentalft.statistics import quantiles

SPLITS = ("train", "validation", "test")
PLACES = (*SPLITS, "duplicates", "between_splits", "unused")
SHOWN = 5
"""Reasons, rules and types named on screen."""


def data_report(
    cfg: DataConfig, index: Any, places: Any, overlaps: dict[str, Any], tokens: dict[str, Any] | None
) -> dict[str, Any]:
    """The report, from the index of the staged corpus and the place of each dialogue.

    ``records`` = dialogues of the three splits + ``rejected`` + ``duplicates`` + ``between_splits`` + ``unused``; a
    record that was mended or redacted is among the dialogues.
    """
    arrays = index.arrays
    sizes = dict(zip(PLACES, np.bincount(places, minlength=len(PLACES)).tolist(), strict=True))
    reasons: Counter[str] = Counter()
    for source in index.sources:
        reasons.update(source["rejected_by_reason"])
    return {
        "sources": index.sources,
        "source": _as_one(cfg, index.sources),
        "records": sum(s["records"] for s in index.sources),
        "rejected": sum(reasons.values()),
        "rejected_by_reason": dict(reasons.most_common()),
        "duplicates": sizes["duplicates"],
        "between_splits": sizes["between_splits"],
        "unused": sizes["unused"],
        "repaired_by_rule": dict(Counter(index.counts["repaired"]).most_common()),
        "remarks": dict(Counter(index.counts["remarks"]).most_common()),
        "privacy": {"mode": cfg.privacy, **dict(Counter(index.counts["privacy"]).most_common())},
        "dialogues": {name: sizes[name] for name in SPLITS},
        "assistant_turns": {n: int(arrays["turns"][places == i].sum()) for i, n in enumerate(SPLITS)},
        "topics": _topics(index, places),
        "characters": {n: quantiles(arrays["characters"][places == i]) for i, n in enumerate(SPLITS)},
        "tokens": tokens,
        "overlap": overlaps,
    }


def overlap_in_words(report: dict[str, Any]) -> str:
    """What the comparison says of leakage, from ``data/report.json``."""
    asked = [f"{one['in_train']} of {one['items']} items of {name}" for name, one in report["overlap"].items()]
    return "; ".join(["none of the test split, which shares no opening and no near duplicate with it", *asked])


def _as_one(cfg: DataConfig, sources: list[dict[str, Any]]) -> dict[str, Any]:
    """What the manifest says of the data, one corpus or several."""
    if len(sources) == 1:
        return {key: sources[0][key] for key in ("bytes", "sha256", "revision", "licence", "homepage")} | {
            "name": cfg.name,
            "file": sources[0]["files"][0],
        }
    return {"name": cfg.name, "sha256": [s["sha256"] for s in sources], "licence": [s["licence"] for s in sources]}


def _topics(index: Any, places: Any) -> dict[str, dict[str, int]]:
    kept = places < len(SPLITS)
    table = np.zeros((len(index.topics), len(SPLITS)), dtype=int)
    np.add.at(table, (index.arrays["topic"][kept].astype(int), places[kept].astype(int)), 1)
    order = np.argsort(-table.sum(axis=1), kind="stable")
    return {index.topics[i]: dict(zip(SPLITS, table[i].tolist(), strict=True)) for i in order.tolist()}


def summary_lines(report: dict[str, Any], folder: Path) -> list[tuple[str, str | None]]:
    """What is said on screen, each line with its style."""
    sizes = ", ".join(f"{number} {name}" for name, number in report["dialogues"].items())
    lines: list[tuple[str, str | None]] = [(f"prepare: {report['records']} records → {sizes} dialogues", None)]
    if report.get("train_lines", report["dialogues"]["train"]) != report["dialogues"]["train"]:
        lines.append((f"prepare: by the weights of the sources, {report['train_lines']} lines in train.jsonl", None))
    if report["rejected"]:
        lines.append((f"prepare: {report['rejected']} records set aside in {folder / 'rejected.jsonl'}:", "yellow"))
        lines += [(f"  {line}", "yellow") for line in _most(report["rejected_by_reason"], "reasons, all in that file")]
    if report["duplicates"]:
        lines.append((f"prepare: {report['duplicates']} exact duplicates dropped", None))
    if report["between_splits"]:
        lines.append((f"prepare: {report['between_splits']} near duplicates of several splits set aside", "yellow"))
    if report["unused"]:
        lines.append((f"prepare: {report['unused']} training dialogues not used (data.train_fraction)", None))
    for key, what in (("repaired_by_rule", "mended"), ("remarks", "seen, not changed")):
        if report[key]:
            lines.append((f"prepare: {what}: {', '.join(_most(report[key], 'more'))}", None))
    found = {k: v for k, v in report["privacy"].items() if k not in ("mode", "dialogues")}
    if found:
        word = "redacted" if report["privacy"]["mode"] == "redact" else "found, not redacted"
        lines.append((f"prepare: personal data {word}: {', '.join(_most(found, 'more types'))}", None))
    if (tokens := report["tokens"]) and tokens.get("share_longer"):
        limit = f"data.max_length={tokens['max_length']} tokens and will be cut"
        lines.append((f"prepare: {tokens['share_longer']:.1%} of dialogues are longer than {limit}", None))
    for name, one in report["overlap"].items():
        if one["in_train"]:
            lines.append((f"prepare: {one['in_train']} of {one['items']} items of {name} are in train", "yellow"))
    return lines


def audit_lines(report: dict[str, Any]) -> list[tuple[str, str | None]]:
    """What is said besides where the data stage runs alone: sources, lengths, topics."""
    lines = []
    for one in report["sources"]:
        revision = f", revision {one['revision']}" if one["revision"] else ""
        files = one["files"][0] if one["file_count"] == 1 else f"{one['file_count']:,} files"
        size = f"{one['bytes'] / 1e6:,.1f} MB, SHA-256 {one['sha256'][:12]}…"
        lines.append(f"source {one['name']}: {files}, {size}{revision}; licence: {one['licence']}")
    lines.append(f"assistant turns: {', '.join(f'{n:,} {name}' for name, n in report['assistant_turns'].items())}")
    lines.append(f"characters a dialogue, train: {_spread(report['characters']['train'])}")
    tokens = report["tokens"] or {"not_counted": "no model was asked for"}
    if "not_counted" in tokens:
        lines.append(f"tokens a dialogue: not counted: {tokens['not_counted']}")
    else:
        whose = f"tokens of {tokens['model']} a dialogue ({tokens['sampled_dialogues']} dialogues looked at)"
        lines.append(f"{whose}: {_spread(tokens['quantiles'])}")
    topics = {name: sum(sizes.values()) for name, sizes in report["topics"].items()}
    lines.append(f"topics: {len(topics)}: {', '.join(_most(topics, 'more'))}")
    return [(f"prepare: {line}", None) for line in lines]


def _spread(quantiles_of: dict[str, int]) -> str:
    names = {"0.05": "5 %", "0.5": "half", "0.95": "95 %"}
    parts = [f"{name} up to {quantiles_of[level]:,}" for level, name in names.items() if level in quantiles_of]
    return ", ".join([*parts, f"longest {quantiles_of['1']:,}"]) if parts else "none"


def _most(counts: dict[str, int], more: str) -> list[str]:
    found = [f"{number} × {what}" for what, number in list(counts.items())[:SHOWN]]
    return [*found, f"and {len(counts) - SHOWN} {more}"] if len(counts) > SHOWN else found
