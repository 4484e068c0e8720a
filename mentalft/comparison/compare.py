"""Stage 4: score every contender's answers, and say how sure each difference from the baseline is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from mentalft.comparison.scores import ScoreSheet, write_scores
from mentalft.config import EMBEDDED, EvalConfig
from mentalft.console import language, say
from mentalft.errors import DataError
from mentalft.files import read_jsonl, sha256_json
from mentalft.metrics.integrity import Integrity, check_answers, warnings
from mentalft.metrics.registry import Embedder, Scorer, perplexity_scorer, scorers_of
from mentalft.metrics.scoring import score_all
from mentalft.modeling.embedder import load_embedder
from mentalft.records import (
    AnswerLengths,
    Asked,
    Comparison,
    Item,
    ItemRow,
    MetricResult,
    Perplexed,
    Response,
    StoredMetric,
    StoredMetrics,
    Turn,
)
from mentalft.runs.files import COMPARISON, ITEMS, METRICS
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


def compare(
    cfg: EvalConfig,
    asked: Asked,
    seed: int,
    folder: Path,
    overlap: tuple[Said, ...] = (),
    taken: Mapping[str, tuple[Scorer, Mapping[str, Parts]]] | None = None,
) -> Comparison:
    """Write ``metrics.json``, ``comparison.{md,csv,json}``, ``items.jsonl`` and ``scores.jsonl`` into ``folder``.

    Args:
        overlap: what is known of how much of what was asked was trained on; stated with the result.
        taken: further metrics that are not computed, with what each item adds to them, by contender.

    Raises:
        DataError: an answer is missing, two contenders were asked different prompts, or there are fewer than two
            dialogues, over which no interval can be had.
    """
    from mentalft.show.comparison import write_tables

    items = asked.items
    responses = {name: _in_order(path, items) for name, path in asked.responses.items()}
    _check_same_prompts(asked, responses)
    _check_dialogues(cfg, asked)
    references = [item.references for item in items]
    scorers = scorers_of(cfg, references, lambda: Embedder(*load_embedder(cfg.embedder)))
    texts = {name: [response.text for response in given] for name, given in responses.items()}
    sheet = ScoreSheet(
        ids=tuple(item.id for item in items),
        digests=tuple(sha256_json([item.messages, item.references])[:16] for item in items),
        dialogues=tuple(item.dialogue_id for item in items),
        topics=tuple(item.topic for item in items),
        depths=tuple(sum(message.role == "user" for message in item.messages) for item in items),
        characters={name: np.array([len(text) for text in of], dtype=np.float64) for name, of in texts.items()},
        parts=score_all(cfg, scorers, texts, references),
    )
    further = dict(taken or {})
    if cfg.perplexity and asked.perplexity is not None:
        further = {"perplexity": (perplexity_scorer(), _surprise(asked.perplexity, asked)), **further}
    for metric, (scorer, of_contenders) in further.items():
        scorers[metric] = scorer
        for name, parts in of_contenders.items():
            sheet.parts[name][metric] = parts
    found = {name: check_answers(items, given) for name, given in responses.items()}
    comparison = Comparison(
        baseline=asked.baseline,
        contenders=tuple(responses),
        items=len(items),
        dialogues=len(set(sheet.dialogues)),
        confidence=cfg.confidence,
        resamples=cfg.bootstrap_resamples,
        seed=seed,
        metrics=_compare(scorers, sheet, asked.baseline, Settings(cfg.bootstrap_resamples, cfg.confidence, seed)),
        decoding=asked.decoding,
        answers={
            name: AnswerLengths(float(np.mean(sheet.characters[name])), of.length_ratio) for name, of in found.items()
        },
        checks={name: of.rates for name, of in found.items()},
        overlap=overlap,
        warnings=(*_doubts(cfg, asked, len(set(sheet.dialogues))), *warnings(found, asked.baseline, cfg.bounds)),
        notes=tuple(_notes(scorers, texts, asked)),
        no_topics=why_no_topics(sheet.topics, sheet.dialogues),
    )
    write_scores(sheet, folder)
    ITEMS.save(folder, _item_rows(items, texts, found, scorers, sheet))
    METRICS.save(folder, _stored(comparison))
    COMPARISON.save(folder, comparison)
    write_tables(comparison, folder, language())
    say(Said("compare.done", {"items": comparison.items, "dialogues": comparison.dialogues}))
    return comparison


def _in_order(path: Path, items: list[Item]) -> list[Response]:
    by_id = {row["id"]: msgspec.convert(row, Response) for row in read_jsonl(path)}
    missing = [item.id for item in items if item.id not in by_id]
    if missing:
        raise DataError(
            f"{path}: no answer for {len(missing)} of {len(items)} items (first: {missing[0]}); run evaluate again"
        )
    return [by_id[item.id] for item in items]


def _check_same_prompts(asked: Asked, responses: Mapping[str, list[Response]]) -> None:
    """Hold the hashes of prompts against each other where they are made of the same."""
    first: dict[str | None, str] = {}
    for name, given in responses.items():
        one = first.setdefault(asked.asked_with(name), name)
        for item, response, of_one in zip(asked.items, given, responses[one], strict=True):
            if response.prompt_sha256 != of_one.prompt_sha256:
                raise DataError(
                    f"compare: {one} and {name} were asked different prompts for item {item.id}; run evaluate again"
                )


def _check_dialogues(cfg: EvalConfig, asked: Asked) -> None:
    items = asked.items
    if len({item.dialogue_id for item in items}) >= 2:
        return
    come = f"{len(items)} items come" if len(items) > 1 else "1 item comes"
    mend = "raise data.test_fraction or eval.max_items"
    if asked.decoding is None or cfg.items == "file":
        mend = "give at least two questions" + (" that are not of one dialogue" if len(items) > 1 else "")
    raise DataError(f"compare: the {come} from a single dialogue, over which no interval can be had; {mend}")


def _surprise(path: Path, asked: Asked) -> dict[str, Parts]:
    """The parts of perplexity for each contender."""
    rows = {row["id"]: msgspec.convert(row, Perplexed) for row in read_jsonl(path)}
    try:
        of_items = [rows[item.id] for item in asked.items]
        tokens, scorer = [row.tokens for row in of_items], perplexity_scorer()
        measured = [name for name in asked.responses if name in of_items[0].nll]
        return {name: scorer.score([row.nll[name] for row in of_items], tokens) for name in measured}  # type: ignore[misc, arg-type]
    except KeyError as error:
        raise DataError(f"{path}: nothing measured for {error}; run evaluate again") from error


def _compare(
    scorers: Mapping[str, Scorer], sheet: ScoreSheet, baseline: str, settings: Settings
) -> tuple[MetricResult, ...]:
    measured = {
        name: Measured(
            title=scorer.title,
            signature=scorer.signature,
            parts={contender: parts[name][None] for contender, parts in sheet.parts.items() if name in parts},
            total=scorer.total,
            higher_is_better=scorer.higher_is_better,
            of_answer=scorer.of_answer,
            scale=scorer.scale,
        )
        for name, scorer in scorers.items()
    }
    lengths = sheet.characters
    ratios = {n: log_length_ratio(lengths[baseline], lengths[n])[None] for n in lengths if n != baseline}
    topics, depths = (
        compare_groups(measured, baseline, sheet.dialogues, groups, settings)
        for groups in (pooled_topics(sheet.topics, sheet.dialogues), pooled_depths(sheet.depths, sheet.dialogues))
    )
    return tuple(
        replace(
            m,
            differences={
                name: replace(
                    d,
                    by_topic=topics[m.metric][name] if topics else (),
                    by_depth=depths[m.metric][name] if depths else (),
                )
                for name, d in m.differences.items()
            },
        )
        for m in compare_all(measured, baseline, sheet.dialogues, ratios, settings)
    )


def _doubts(cfg: EvalConfig, asked: Asked, dialogues: int) -> Iterator[Said]:
    """What keeps the table from being taken at its word, the answers aside."""
    if dialogues < FEW_DIALOGUES:
        yield Said("compare.too_few", {"dialogues": dialogues, "few": FEW_DIALOGUES})
    if asked.problems:
        yield Said("compare.problems", {"problems": asked.problems})
    if "cosine" in cfg.metrics and cfg.embedder == EMBEDDED and not asked.demonstration:
        yield Said("compare.toy_embedder")


def _notes(scorers: Mapping[str, Scorer], texts: Mapping[str, list[str]], asked: Asked) -> Iterator[Said]:
    """What must be known of how these very scores came about."""
    yield from _asked_alike(asked)
    references = [item.references for item in asked.items]
    for scorer in scorers.values():
        for name, answers in texts.items():
            if scorer.remark and (remark := scorer.remark(answers, references)):
                values = {"title": scorer.title, "name": contender(name), "remark": remark}
                yield Said("compare.remark", values)


def _asked_alike(asked: Asked) -> Iterator[Said]:
    """How far the prompts of the contenders are known to be the same."""
    alike: dict[str | None, list[Said | str]] = {}
    for name in asked.responses:
        alike.setdefault(asked.asked_with(name), []).append(contender(name))
    given = alike.pop(None, [])
    names = [name for of in alike.values() for name in of] or given
    if len(names) > 1:
        kind = "compare.same_messages" if len(alike) > 1 else "compare.same_prompts"
        yield Said(kind, {"names": listed(names)})
    if alike and given:
        yield Said("compare.given_prompts", {"names": listed(given)})


def _item_rows(
    items: list[Item],
    texts: Mapping[str, list[str]],
    found: Mapping[str, Integrity],
    scorers: Mapping[str, Scorer],
    sheet: ScoreSheet,
) -> Iterator[ItemRow]:
    scores = {
        name: {metric: scorers[metric].total(found).tolist() for metric, found in parts.items()}
        for name, parts in sheet.parts.items()
    }
    for i, item in enumerate(items):
        yield ItemRow(
            id=item.id,
            dialogue_id=item.dialogue_id,
            topic=item.topic,
            history=tuple(Turn(*message) for message in item.messages),
            references=item.references,
            answers={name: of[i] for name, of in texts.items()},
            flags={name: of.flags[i] for name, of in found.items()},
            scores={name: {metric: values[i] for metric, values in by.items()} for name, by in scores.items()},
        )


def _stored(comparison: Comparison) -> StoredMetrics:
    return StoredMetrics(
        comparison.decoding,
        {m.metric: StoredMetric(m.title, m.signature, m.higher_is_better, m.scores) for m in comparison.metrics},
    )
