"""Runs made up for the figures; no text of them is anybody's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mentalft.records import SIDES, Group, Interval, MetricComparison
from mentalft.runs.loading import FinishedRun
from tests.show.test_tables import BLEU, COMPARISON

ROUGE = replace(BLEU, metric="rougeL", base=0.2, tuned=0.21, difference=0.01, interval=Interval(-0.01, 0.03),
                verdict="no evidence of a difference")  # fmt: skip
PERPLEXITY = replace(BLEU, metric="perplexity", base=800.0, tuned=250.0, difference=-550.0,
                     interval=Interval(-620.0, -480.0), higher_is_better=False)  # fmt: skip
TITLES = {"bleu": "BLEU-4", "rougeL": "ROUGE-L", "perplexity": "perplexity"}
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


def with_topics(m: MetricComparison, names: Sequence[str]) -> MetricComparison:
    """``m`` with one group for each name; each third is too small for an interval, the pooled one among them."""
    groups = [
        Group(name, 60 - i, 60 - i, m.difference, None if i % 3 == 2 else m.interval) for i, name in enumerate(names)
    ]
    return replace(m, by_topic=tuple(groups))


def item(number: int, metrics: Sequence[str], base: str = "嗯", tuned: str = "我在听，你慢慢说。") -> dict[str, Any]:
    return {
        "id": str(number),
        "references": ["听起来这一周很累。"],
        "answers": {"base": base, "tuned": tuned},
        "scores": {side: dict.fromkeys(metrics, 0.1 * (number % 7)) for side in SIDES},
    }


def made_run(
    metrics: Sequence[MetricComparison] = (BLEU, ROUGE, PERPLEXITY),
    *,
    topics: Sequence[str] = ("睡眠", "工作压力", "other"),
    items: Sequence[dict[str, Any]] | None = None,
    training: Sequence[dict[str, float]] = TRAINING,
    titles: dict[str, str] | None = None,
) -> FinishedRun:
    names = [m.metric for m in metrics]
    return FinishedRun(
        Path("run"),
        replace(COMPARISON, metrics=tuple(with_topics(m, topics) for m in metrics)),
        titles or {name: TITLES[name] for name in names},
        list(items if items is not None else (item(i, names) for i in range(20))),
        list(training),
        None,
        None,
    )
