"""Stage 4: score both sets of answers, and say how sure the difference is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mentalft.config import EvalConfig
from mentalft.console import say
from mentalft.errors import DataError
from mentalft.files import read_jsonl, write_json, write_jsonl
from mentalft.metrics.scoring import Scores, score_all
from mentalft.metrics.table import Embedder, Metric, metrics_of
from mentalft.modeling.embedder import load_embedder
from mentalft.records import Comparison, Item, MetricComparison, Response
from mentalft.reporting.tables import write_comparison
from mentalft.statistics import paired_bootstrap


def compare(
    cfg: EvalConfig, items: list[Item], answers: dict[str, Path], decoding: str, seed: int, run_dir: Path,
    overlap: str | None = None,
) -> Comparison:  # fmt: skip
    """Write ``metrics.json``, ``comparison.{md,csv,json}`` and ``items.jsonl``.

    Args:
        items: what was asked, in order.
        answers: for ``base`` and ``tuned``, a JSONL file of responses.
        overlap: what is known of how much of ``items`` was trained on; stated with the result.

    Raises:
        DataError: an answer is missing, the two sides were asked different prompts, or there are
            fewer than two dialogues, over which no interval can be had.
    """
    responses = {side: _in_order(path, items) for side, path in answers.items()}
    _check_same_prompts(items, responses)
    if len({item.dialogue_id for item in items}) < 2:
        raise DataError(
            f"compare: the {len(items)} items come from a single dialogue, over which no interval can be had; "
            "raise data.test_fraction or eval.max_items"
        )
    references = [item.references for item in items]
    metrics = metrics_of(cfg, references, lambda: Embedder(*load_embedder(cfg.embedder)))
    texts = {side: [response.text for response in found] for side, found in responses.items()}
    scores = score_all(cfg, metrics, texts, references)
    comparison = Comparison(
        items=len(items),
        dialogues=len({item.dialogue_id for item in items}),
        confidence=cfg.confidence,
        metrics=tuple(_compare_one(name, m, scores, items, cfg, seed) for name, m in metrics.items()),
        decoding=decoding,
        responses={side: _shape(found) for side, found in responses.items()},
        overlap=overlap,
    )
    write_jsonl(run_dir / "items.jsonl", _item_rows(items, responses, metrics, scores))
    write_json(run_dir / "metrics.json", _metrics_json(metrics, scores, decoding))
    write_comparison(comparison, {name: m.title for name, m in metrics.items()}, run_dir)
    say(f"compare: {comparison.items} items from {comparison.dialogues} dialogues")
    return comparison


def _in_order(path: Path, items: list[Item]) -> list[Response]:
    by_id = {row["id"]: Response(**row) for row in read_jsonl(path)}
    missing = [item.id for item in items if item.id not in by_id]
    if missing:
        raise DataError(
            f"{path}: no answer for {len(missing)} of {len(items)} items (first: {missing[0]}); run evaluate again"
        )
    return [by_id[item.id] for item in items]


def _check_same_prompts(items: list[Item], responses: dict[str, list[Response]]) -> None:
    for item, base, tuned in zip(items, responses["base"], responses["tuned"], strict=True):
        if base.prompt_sha256 != tuned.prompt_sha256:
            raise DataError(
                f"compare: base and tuned were asked different prompts for item {item.id}; run evaluate again"
            )


def _compare_one(
    name: str, metric: Metric, scores: Scores, items: list[Item], cfg: EvalConfig, seed: int
) -> MetricComparison:
    base, tuned = (float(metric.total(scores[side][name].sum(axis=0))) for side in ("base", "tuned"))
    difference = metric.total(scores["tuned"][name]) - metric.total(scores["base"][name])  # (items,)
    clusters = [item.dialogue_id for item in items]
    return MetricComparison(
        metric=name,
        signature=metric.signature,
        base=base,
        tuned=tuned,
        difference=tuned - base,
        interval=paired_bootstrap(
            difference.tolist(), clusters, resamples=cfg.bootstrap_resamples, confidence=cfg.confidence, seed=seed
        ),
        wins=int((difference > 0).sum()),
        ties=int((difference == 0).sum()),
        losses=int((difference < 0).sum()),
    )


def _shape(responses: list[Response]) -> dict[str, float]:
    """Mean length in characters, and the shares of empty answers and of answers cut at the length limit."""
    return {
        "mean_characters": float(np.mean([len(r.text) for r in responses])),
        "empty": float(np.mean([not r.text for r in responses])),
        "cut": float(np.mean([r.finish_reason == "length" for r in responses])),
    }


def _item_rows(
    items: list[Item], responses: dict[str, list[Response]], metrics: dict[str, Metric], scores: Scores
) -> list[dict[str, Any]]:
    by_item = {
        side: {name: metrics[name].total(parts).tolist() for name, parts in by.items()} for side, by in scores.items()
    }
    return [
        {
            "id": item.id,
            "dialogue_id": item.dialogue_id,
            "topic": item.topic,
            "history": [m._asdict() for m in item.messages],
            "references": list(item.references),
            "answers": {side: found[i].text for side, found in responses.items()},
            "scores": {side: {name: values[i] for name, values in by.items()} for side, by in by_item.items()},
        }
        for i, item in enumerate(items)
    ]


def _metrics_json(metrics: dict[str, Metric], scores: Scores, decoding: str) -> dict[str, Any]:
    return {
        "decoding": decoding,
        "metrics": {
            name: {
                "signature": metric.signature,
                **{side: float(metric.total(scores[side][name].sum(axis=0))) for side in scores},
            }
            for name, metric in metrics.items()
        },
    }
