"""Runs made up for the figures; no text of them is anybody's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mentalft.records import Group, Interval, ItemRow, MetricResult
from mentalft.runs.loading import FinishedRun
from tests.show.compared import BLEU as PLAIN_BLEU
from tests.show.compared import COMPARISON, changed

BLEU = changed(PLAIN_BLEU, title="BLEU-4")
ROUGE = changed(BLEU, metric="rougeL", title="ROUGE-L", base=0.2, tuned=0.21, difference=0.01,
                interval=Interval(-0.01, 0.03), verdict="undecided")  # fmt: skip
PERPLEXITY = changed(BLEU, metric="perplexity", title="perplexity", base=800.0, tuned=250.0, difference=-550.0,
                     interval=Interval(-620.0, -480.0), higher_is_better=False)  # fmt: skip
TRAINING: list[dict[str, float]] = [
    {"train/step": 0, "validation/loss": 6.0},
    *(
        {
            "train/step": step,
            "train/loss": 5.0 / step,
            "train/learning_rate": 1e-3,
            "train/grad_norm": 1.0,
            "train/tokens_per_second": 4000.0,
            "train/memory_bytes": 2**30,
        }
        for step in (5, 10, 15)
    ),
    {"train/step": 10, "validation/loss": 4.0},
    {"train/step": 15, "validation/loss": 4.5},
]


def with_topics(m: MetricResult, names: Sequence[str]) -> MetricResult:
    """``m`` with one group for each name; each third is too small for an interval, the pooled one among them."""
    d = m.differences["tuned"]
    groups = [
        Group(name, 60 - i, 60 - i, d.difference, None if i % 3 == 2 else d.interval) for i, name in enumerate(names)
    ]
    return changed(m, by_topic=tuple(groups))


def item(number: int, metrics: Sequence[str], base: str = "嗯", tuned: str = "我在听，你慢慢说。") -> ItemRow:
    return ItemRow(
        str(number), str(number), None, (), ("听起来这一周很累。",), {"base": base, "tuned": tuned}, {},
        {side: dict.fromkeys(metrics, 0.1 * (number % 7)) for side in ("base", "tuned")},
    )  # fmt: skip


def made_run(
    metrics: Sequence[MetricResult] = (BLEU, ROUGE, PERPLEXITY),
    *,
    topics: Sequence[str] = ("睡眠", "工作压力", "other"),
    items: Sequence[ItemRow] | None = None,
    training: Sequence[dict[str, float]] = TRAINING,
) -> FinishedRun:
    names = [m.metric for m in metrics]
    return FinishedRun(
        Path("run"),
        replace(COMPARISON, metrics=tuple(with_topics(m, topics) for m in metrics)),
        list(items if items is not None else (item(i, names) for i in range(20))),
        list(training),
        None,
        None,
    )
