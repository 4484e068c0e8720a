"""Stage 4: score both sets of answers, and say how sure the difference is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mentalft.comparison.scores import ScoreSheet, write_scores
from mentalft.config import EMBEDDED, EvalConfig
from mentalft.console import say
from mentalft.errors import DataError
from mentalft.files import read_jsonl, sha256_json, write_json, write_jsonl
from mentalft.metrics.integrity import Integrity, check_answers, warnings
from mentalft.metrics.registry import PERPLEXITY, Embedder, Metric, Parts, scorers_of
from mentalft.metrics.scoring import score_all
from mentalft.modeling.embedder import load_embedder
from mentalft.records import SIDES, Asked, Comparison, Item, MetricComparison, Response
from mentalft.show.tables import write_comparison
from mentalft.statistics import (
    FEW_DIALOGUES,
    Measured,
    Settings,
    compare_all,
    compare_groups,
    log_length_ratio,
    pooled_depths,
    pooled_topics,
    why_no_topics,
)

NOT_BY_LENGTH = ("length", "length_reference", "perplexity")
"""Metrics of length itself, and of the references: there is nothing to hold length equal for."""


def compare(
    cfg: EvalConfig,
    asked: Asked,
    seed: int,
    run_dir: Path,
    overlap: str | None = None,
    taken: Mapping[str, tuple[Metric, dict[str, Parts]]] | None = None,
) -> Comparison:
    """Write ``metrics.json``, ``comparison.{md,csv,json}``, ``items.jsonl`` and ``scores.jsonl``.

    Args:
        overlap: what is known of how much of what was asked was trained on; stated with the result.
        taken: further metrics that are not computed, with what each item adds to them, by side.

    Raises:
        DataError: an answer is missing, the two sides were asked different prompts, or there are
            fewer than two dialogues, over which no interval can be had.
    """
    items = asked.items
    responses = {side: _in_order(path, items) for side, path in asked.responses.items()}
    _check_same_prompts(items, responses)
    if len({item.dialogue_id for item in items}) < 2:
        come = f"{len(items)} items come" if len(items) > 1 else "1 item comes"
        raise DataError(
            f"compare: the {come} from a single dialogue, over which no interval can be had; "
            + _to_have_more(cfg, asked)
        )
    references = [item.references for item in items]
    metrics = scorers_of(cfg, references, lambda: Embedder(*load_embedder(cfg.embedder)))
    sheet = _score(cfg, metrics, items, responses)
    if cfg.perplexity and asked.perplexity is not None:
        metrics["perplexity"] = PERPLEXITY
        for side, parts in _surprise(asked.perplexity, items).items():
            sheet.parts[side]["perplexity"] = parts
    for name, (metric, of_sides) in (taken or {}).items():
        metrics[name] = metric
        for side in SIDES:
            sheet.parts[side][name] = of_sides[side]
    found = {side: check_answers(items, responses[side]) for side in SIDES}
    comparison = Comparison(
        items=len(items),
        dialogues=len(set(sheet.dialogues)),
        confidence=cfg.confidence,
        resamples=cfg.bootstrap_resamples,
        seed=seed,
        metrics=_compare(metrics, sheet, Settings(cfg.bootstrap_resamples, cfg.confidence, seed)),
        decoding=asked.decoding,
        responses={side: _shape(responses[side], found[side]) for side in SIDES},
        overlap=overlap,
        checks={side: found[side].rates for side in SIDES},
        warnings=(
            *_too_few(sheet),
            *_faulty(asked.problems),
            *_toy_embedder(cfg, asked),
            *warnings(found["base"], found["tuned"], cfg.bounds),
        ),
        notes=_notes(metrics, responses, references),
        no_topics=why_no_topics(sheet.topics, sheet.dialogues),
    )
    write_scores(sheet, run_dir / "scores.jsonl")
    write_jsonl(run_dir / "items.jsonl", _item_rows(items, responses, found, _item_scores(metrics, sheet)))
    write_json(run_dir / "metrics.json", _metrics_json(metrics, comparison))
    write_comparison(comparison, {name: m.title for name, m in metrics.items()}, run_dir)
    say(f"compare: {comparison.items} items from {comparison.dialogues} dialogues")
    return comparison


def _to_have_more(cfg: EvalConfig, asked: Asked) -> str:
    if asked.from_files or cfg.items == "file":
        return "give at least two questions" + (" that are not of one dialogue" if len(asked.items) > 1 else "")
    return "raise data.test_fraction or eval.max_items"


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


def _score(
    cfg: EvalConfig, metrics: dict[str, Metric], items: list[Item], responses: dict[str, list[Response]]
) -> ScoreSheet:
    texts = {side: [response.text for response in responses[side]] for side in SIDES}
    return ScoreSheet(
        ids=tuple(item.id for item in items),
        digests=tuple(sha256_json([item.messages, item.references])[:16] for item in items),
        dialogues=tuple(item.dialogue_id for item in items),
        topics=tuple(item.topic for item in items),
        depths=tuple(sum(message.role == "user" for message in item.messages) for item in items),
        characters={side: np.array([len(r.text) for r in responses[side]], dtype=np.float64) for side in SIDES},
        parts=score_all(cfg, metrics, texts, [item.references for item in items]),
    )


def _surprise(path: Path, items: list[Item]) -> dict[str, NDArray[np.float64]]:
    """The parts of perplexity for each side."""
    rows = {row["id"]: row for row in read_jsonl(path)}
    try:
        of_items = [rows[item.id] for item in items]
    except KeyError as error:
        raise DataError(f"{path}: nothing measured for item {error}; run evaluate again") from error
    tokens = [row["tokens"] for row in of_items]
    return {side: PERPLEXITY.score([row[f"{side}_nll"] for row in of_items], tokens) for side in SIDES}


def _compare(metrics: dict[str, Metric], sheet: ScoreSheet, settings: Settings) -> tuple[MetricComparison, ...]:
    measured = {
        name: Measured(
            metric.signature,
            sheet.parts["base"][name][None],
            sheet.parts["tuned"][name][None],
            metric.total,
            metric.higher_is_better,
            about_answers=name not in NOT_BY_LENGTH,
        )
        for name, metric in metrics.items()
    }
    ratios = log_length_ratio(sheet.characters["base"], sheet.characters["tuned"])[None]
    by_topic = compare_groups(measured, sheet.dialogues, pooled_topics(sheet.topics, sheet.dialogues), settings)
    by_depth = compare_groups(measured, sheet.dialogues, pooled_depths(sheet.depths, sheet.dialogues), settings)
    return tuple(
        replace(m, by_topic=by_topic.get(m.metric, ()), by_depth=by_depth.get(m.metric, ()))
        for m in compare_all(measured, sheet.dialogues, ratios, settings)
    )


def _faulty(problems: int) -> tuple[str, ...]:
    return (f"{problems} problems in the files given; each is in responses/problems.jsonl",) if problems else ()


def _toy_embedder(cfg: EvalConfig, asked: Asked) -> tuple[str, ...]:
    if "cosine" not in cfg.metrics or cfg.embedder != EMBEDDED or asked.demonstration:
        return ()
    return (
        "cosine is by the embedded demonstration embedder, which knows little Chinese; give "
        "eval.embedder=paraphrase-multilingual-MiniLM-L12-v2 or your own, or leave cosine out of eval.metrics",
    )


def _too_few(sheet: ScoreSheet) -> tuple[str, ...]:
    dialogues = len(set(sheet.dialogues))
    if dialogues >= FEW_DIALOGUES:
        return ()
    return (
        f"only {dialogues} dialogues: with fewer than {FEW_DIALOGUES} intervals are too narrow and tests find little; "
        "do not rely on the verdicts",
    )


def _shape(responses: list[Response], found: Integrity) -> dict[str, float]:
    """Mean length in characters, and length by that of the references."""
    return {
        "mean_characters": float(np.mean([len(r.text) for r in responses])),
        "length_ratio": found.length_ratio,
    }


def _notes(
    metrics: dict[str, Metric], responses: dict[str, list[Response]], references: list[tuple[str, ...]]
) -> tuple[str, ...]:
    """What must be known of how these very scores came about."""
    remarks = [
        f"{metric.title}, {side} answers: {remark}"
        for metric in metrics.values()
        if metric.remark
        for side in SIDES
        if (remark := metric.remark([r.text for r in responses[side]], references))
    ]
    return ("base and tuned were asked the same prompts, token for token (their hashes are equal)", *remarks)


def _item_scores(metrics: dict[str, Metric], sheet: ScoreSheet) -> dict[str, dict[str, list[float]]]:
    """Side → metric → each item's own score."""
    return {
        side: {name: metric.total(sheet.parts[side][name]).tolist() for name, metric in metrics.items()}
        for side in SIDES
    }


def _item_rows(
    items: list[Item],
    responses: dict[str, list[Response]],
    found: dict[str, Integrity],
    scores: dict[str, dict[str, list[float]]],
) -> list[dict[str, Any]]:
    return [
        {
            "id": item.id,
            "dialogue_id": item.dialogue_id,
            "topic": item.topic,
            "history": [m._asdict() for m in item.messages],
            "references": list(item.references),
            "answers": {side: responses[side][i].text for side in SIDES},
            "flags": {side: [flag._asdict() for flag in found[side].flags[i]] for side in SIDES},
            "scores": {side: {name: values[i] for name, values in by.items()} for side, by in scores.items()},
        }
        for i, item in enumerate(items)
    ]


def _metrics_json(metrics: dict[str, Metric], comparison: Comparison) -> dict[str, Any]:
    return {
        "decoding": comparison.decoding,
        "metrics": {
            m.metric: {
                "title": metrics[m.metric].title,
                "signature": m.signature,
                "higher_is_better": m.higher_is_better,
                "base": m.base,
                "tuned": m.tuned,
            }
            for m in comparison.metrics
        },
    }
