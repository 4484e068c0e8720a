"""Stage 4: score the answers of every contender, and say how sure each difference is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mentalft.comparison.scores import ScoreSheet, write_scores
from mentalft.config import EMBEDDED, EvalConfig
from mentalft.console import language, say
from mentalft.errors import DataError
from mentalft.files import read_jsonl, sha256_json, write_json
from mentalft.metrics.integrity import Integrity, check_answers, warnings
from mentalft.metrics.registry import Embedder, Scorer, perplexity_scorer, scorers_of
from mentalft.metrics.scoring import score_all
from mentalft.modeling.embedder import load_embedder
from mentalft.records import AnswerLengths, Asked, Comparison, Item, ItemRow, MetricResult, Response
from mentalft.runs.files import COMPARISON, ITEMS
from mentalft.show.comparison import write_tables
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
from mentalft.words import Said, contender, listed

if TYPE_CHECKING:
    from mentalft.metrics.registry import Parts

Answers = dict[str, list[Response]]
"""Contender → (items,) responses, in the order of the items."""


def compare(
    cfg: EvalConfig,
    asked: Asked,
    seed: int,
    folder: Path,
    overlap: tuple[Said, ...] = (),
    taken: Mapping[str, tuple[Scorer, dict[str, Parts]]] | None = None,
) -> Comparison:
    """Write ``metrics.json``, ``comparison.{md,csv,json}``, ``items.jsonl`` and ``scores.jsonl`` into ``folder``.

    Args:
        overlap: what is known of how much of what was asked was trained on; stated with the result.
        taken: further metrics that are not computed, with what each item adds to them, by contender.

    Raises:
        DataError: an answer is missing, contenders were asked different prompts, or there are fewer than two
            dialogues, over which no interval can be had.
    """
    items = asked.items
    answers = {name: _in_order(path, items) for name, path in asked.responses.items()}
    _check_same_prompts(items, answers, asked.baseline)
    if len({item.dialogue_id for item in items}) < 2:
        come = f"{len(items)} items come" if len(items) > 1 else "1 item comes"
        raise DataError(
            f"compare: the {come} from a single dialogue, over which no interval can be had; "
            + _to_have_more(cfg, asked)
        )
    references = [item.references for item in items]
    scorers = scorers_of(cfg, references, lambda: Embedder(*load_embedder(cfg.embedder)))
    sheet = _score(cfg, scorers, items, answers)
    if cfg.perplexity and asked.perplexity is not None:
        scorers["perplexity"] = perplexity_scorer()
        for name, parts in _surprise(asked.perplexity, items, scorers["perplexity"]).items():
            sheet.parts[name]["perplexity"] = parts
    for metric, (scorer, of_contenders) in (taken or {}).items():
        scorers[metric] = scorer
        for name, parts in of_contenders.items():
            sheet.parts[name][metric] = parts
    found = {name: check_answers(items, of_contender) for name, of_contender in answers.items()}
    comparison = Comparison(
        baseline=asked.baseline,
        contenders=tuple(answers),
        items=len(items),
        dialogues=len(set(sheet.dialogues)),
        confidence=cfg.confidence,
        resamples=cfg.bootstrap_resamples,
        seed=seed,
        metrics=_compare(scorers, sheet, asked.baseline, Settings(cfg.bootstrap_resamples, cfg.confidence, seed)),
        decoding=asked.decoding,
        answers={name: _lengths(answers[name], found[name]) for name in answers},
        checks={name: found[name].rates for name in answers},
        overlap=overlap,
        warnings=(
            *_too_few(sheet),
            *_faulty(asked.problems),
            *_toy_embedder(cfg, asked),
            *warnings(found, asked.baseline, cfg.bounds),
        ),
        notes=_notes(scorers, answers, references),
        no_topics=why_no_topics(sheet.topics, sheet.dialogues),
    )
    write_scores(sheet, folder / "scores.jsonl")
    ITEMS.save(folder, _item_rows(items, answers, found, _item_scores(scorers, sheet)))
    write_json(folder / "metrics.json", _metrics_json(comparison))
    COMPARISON.save(folder, comparison)
    write_tables(comparison, folder, language())
    say(Said("compare.done", {"items": comparison.items, "dialogues": comparison.dialogues}))
    return comparison


def _to_have_more(cfg: EvalConfig, asked: Asked) -> str:
    if asked.decoding is None or cfg.items == "file":
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


def _check_same_prompts(items: list[Item], answers: Answers, baseline: str) -> None:
    for name, of_contender in answers.items():
        for item, first, other in zip(items, answers[baseline], of_contender, strict=True):
            if first.prompt_sha256 != other.prompt_sha256:
                raise DataError(
                    f"compare: {baseline} and {name} were asked different prompts for item {item.id}; "
                    "run evaluate again"
                )


def _score(cfg: EvalConfig, scorers: dict[str, Scorer], items: list[Item], answers: Answers) -> ScoreSheet:
    texts = {name: [response.text for response in of_contender] for name, of_contender in answers.items()}
    return ScoreSheet(
        ids=tuple(item.id for item in items),
        digests=tuple(sha256_json([item.messages, item.references])[:16] for item in items),
        dialogues=tuple(item.dialogue_id for item in items),
        topics=tuple(item.topic for item in items),
        depths=tuple(sum(message.role == "user" for message in item.messages) for item in items),
        characters={name: np.array([len(t) for t in of_name], dtype=np.float64) for name, of_name in texts.items()},
        parts=score_all(cfg, scorers, texts, [item.references for item in items]),
    )


def _surprise(path: Path, items: list[Item], scorer: Scorer) -> dict[str, Parts]:
    """The parts of perplexity for each contender."""
    rows: dict[str, Any] = {row["id"]: row for row in read_jsonl(path)}
    try:
        of_items = [rows[item.id] for item in items]
    except KeyError as error:
        raise DataError(f"{path}: nothing measured for item {error}; run evaluate again") from error
    tokens: Any = [row["tokens"] for row in of_items]
    return {name: scorer.score([row["nll"][name] for row in of_items], tokens) for name in of_items[0]["nll"]}


def _compare(
    scorers: dict[str, Scorer], sheet: ScoreSheet, baseline: str, settings: Settings
) -> tuple[MetricResult, ...]:
    others = [name for name in sheet.characters if name != baseline]
    measured = {
        metric: Measured(
            scorer.title,
            scorer.signature,
            {name: of_metrics[metric][None] for name, of_metrics in sheet.parts.items()},
            scorer.total,
            scorer.higher_is_better,
            scorer.of_answer,
            scorer.scale,
        )
        for metric, scorer in scorers.items()
    }
    ratios = {name: log_length_ratio(sheet.characters[baseline], sheet.characters[name])[None] for name in others}
    results = compare_all(measured, baseline, sheet.dialogues, ratios, settings)
    topics, depths = pooled_topics(sheet.topics, sheet.dialogues), pooled_depths(sheet.depths, sheet.dialogues)
    for name in others:
        by_topic = compare_groups(measured, (baseline, name), sheet.dialogues, topics, settings)
        by_depth = compare_groups(measured, (baseline, name), sheet.dialogues, depths, settings)
        for result in results:
            whole, metric = result.differences[name], result.metric
            result.differences[name] = replace(
                whole, by_topic=by_topic.get(metric, ()), by_depth=by_depth.get(metric, ())
            )
    return results


def _faulty(problems: int) -> tuple[Said, ...]:
    return (Said("compare.problems", {"problems": problems}),) if problems else ()


def _toy_embedder(cfg: EvalConfig, asked: Asked) -> tuple[Said, ...]:
    if "cosine" not in cfg.metrics or cfg.embedder != EMBEDDED or asked.demonstration:
        return ()
    return (Said("compare.toy_embedder"),)


def _too_few(sheet: ScoreSheet) -> tuple[Said, ...]:
    dialogues = len(set(sheet.dialogues))
    return (
        (Said("compare.too_few", {"dialogues": dialogues, "few": FEW_DIALOGUES}),) if dialogues < FEW_DIALOGUES else ()
    )


def _lengths(responses: list[Response], found: Integrity) -> AnswerLengths:
    return AnswerLengths(float(np.mean([len(r.text) for r in responses])), found.length_ratio)


def _notes(scorers: dict[str, Scorer], answers: Answers, references: list[tuple[str, ...]]) -> tuple[Said, ...]:
    """What must be known of how these very scores came about."""
    remarks = [
        Said("compare.remark", {"title": scorer.title, "name": contender(name), "remark": remark})
        for scorer in scorers.values()
        if scorer.remark
        for name, of_contender in answers.items()
        if (remark := scorer.remark([r.text for r in of_contender], references))
    ]
    return (Said("compare.same_prompts", {"names": listed([contender(name) for name in answers])}), *remarks)


def _item_scores(scorers: dict[str, Scorer], sheet: ScoreSheet) -> dict[str, dict[str, list[float]]]:
    """Contender → metric → each item's own score."""
    return {
        name: {metric: scorer.total(of_metrics[metric]).tolist() for metric, scorer in scorers.items()}
        for name, of_metrics in sheet.parts.items()
    }


def _item_rows(
    items: list[Item],
    answers: Answers,
    found: dict[str, Integrity],
    scores: dict[str, dict[str, list[float]]],
) -> list[ItemRow]:
    return [
        ItemRow(
            id=item.id,
            dialogue_id=item.dialogue_id,
            topic=item.topic,
            history=item.messages,
            references=item.references,
            answers={name: of_contender[i].text for name, of_contender in answers.items()},
            flags={name: found[name].flags[i] for name in answers},
            scores={name: {metric: values[i] for metric, values in by.items()} for name, by in scores.items()},
        )
        for i, item in enumerate(items)
    ]


def _metrics_json(comparison: Comparison) -> dict[str, Any]:
    return {
        "decoding": comparison.decoding,
        "metrics": {
            m.metric: {
                "title": m.title,
                "signature": m.signature,
                "higher_is_better": m.higher_is_better,
                "scores": m.scores,
            }
            for m in comparison.metrics
        },
    }
