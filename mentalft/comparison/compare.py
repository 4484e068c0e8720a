"""Stage 4: score every contender's answers, and say how sure each difference from the baseline is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from mentalft.comparison.gates import Facts, judged
from mentalft.comparison.known import NOTHING_KNOWN, Known, leaked_by
from mentalft.comparison.scores import ScoreSheet, write_scores
from mentalft.config import EvalConfig
from mentalft.console import language, say
from mentalft.errors import DataError
from mentalft.files import read_jsonl, sha256_json
from mentalft.metrics.integrity import Integrity, check_answers
from mentalft.metrics.registry import Embedder, Scorer, perplexity_scorer, registry, scorers_of, unfit_metrics
from mentalft.metrics.scoring import score_all
from mentalft.modeling.embedder import load_embedder
from mentalft.records import (
    DIAGNOSTIC,
    NOT_COMPARABLE,
    PRIMARY,
    SECONDARY,
    WITHHELD,
    AnswerLengths,
    Asked,
    Comparison,
    Gate,
    Item,
    ItemRow,
    Leakage,
    MetricResult,
    Perplexed,
    Response,
    RunsComparison,
    StoredMetric,
    StoredMetrics,
    Turn,
)
from mentalft.runs.files import COMPARISON, ITEMS, METRICS
from mentalft.statistics import (
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

ROLES = (PRIMARY, SECONDARY, DIAGNOSTIC)
"""In the order of the table."""
LEAST_UNSEEN = 2
"""Dialogues, over which an interval can be had."""

if TYPE_CHECKING:
    from mentalft.metrics.registry import Parts


def compare(
    cfg: EvalConfig,
    asked: Asked,
    seed: int,
    folder: Path,
    known: Known = NOTHING_KNOWN,
    taken: Mapping[str, tuple[Scorer, Mapping[str, Parts]]] | None = None,
) -> Comparison:
    """Write ``metrics.json``, ``comparison.{md,csv,json}``, ``items.jsonl`` and ``scores.jsonl`` into ``folder``.

    Args:
        taken: further metrics that are not computed, with what each item adds to them, by contender.

    Raises:
        ConfigError: the primary metric does not suit the data.
        DataError: an answer is missing, or there are fewer than two dialogues, over which no interval can be had.
    """
    from mentalft.show.comparison import write_tables

    _check_dialogues(cfg, asked)
    scored, unfit = _scored(cfg, asked, taken or {})
    leaked = leaked_by(asked, known)
    about = _About(cfg, asked, seed, known.gates, (*_notes(asked, scored), *known.notes, *unfit))
    comparison = _compared(about, scored, {name: found.leakage for name, found in leaked.items()})
    seen = {dialogue for found in leaked.values() for dialogue in found.dialogues}
    others = [i for i, item in enumerate(asked.items) if item.dialogue_id not in seen]
    if seen and len({asked.items[i].dialogue_id for i in others}) >= LEAST_UNSEEN:
        without = Leakage(True, Said("leak.left_out"))
        now = {name: without if found.dialogues else found.leakage for name, found in leaked.items()}
        unseen = _compared(about, scored.at(others), now)
        comparison = replace(comparison, unseen=unseen)
    write_scores(scored.sheet, folder)
    ITEMS.save(folder, _item_rows(scored))
    METRICS.save(folder, _stored(comparison))
    COMPARISON.save(folder, comparison)
    write_tables(comparison, folder, language())
    for left_out in unfit:
        say(left_out)
    say(Said("compare.done", {"items": comparison.items, "dialogues": comparison.dialogues}))
    return comparison


class _Scored(NamedTuple):
    """Items with every contender's answers and what they score."""

    items: list[Item]
    responses: dict[str, list[Response]]
    found: dict[str, Integrity]
    scorers: dict[str, Scorer]
    sheet: ScoreSheet

    def at(self, places: Sequence[int]) -> _Scored:
        """Those at these places alone."""
        items = [self.items[i] for i in places]
        responses = {name: [given[i] for i in places] for name, given in self.responses.items()}
        found = {name: check_answers(items, given) for name, given in responses.items()}
        return self._replace(
            items=items, responses=responses, found=found, sheet=self.sheet.in_order_of([item.id for item in items])
        )

    def other_prompts(self, asked: Asked) -> dict[str, float]:
        """By contender, the share of the items of which the prompt is not the baseline's, where that can be told."""
        base = [response.prompt_sha256 for response in self.responses[asked.baseline]]
        return {
            name: sum(r.prompt_sha256 != sha256 for r, sha256 in zip(given, base, strict=True)) / len(base)
            if asked.asked_with(name) == asked.asked_with(asked.baseline)
            else 0
            for name, given in self.responses.items()
        }


def _scored(
    cfg: EvalConfig, asked: Asked, taken: Mapping[str, tuple[Scorer, Mapping[str, Parts]]]
) -> tuple[_Scored, list[Said]]:
    """The answers with their scores, and which metrics were left out, and why."""
    items, references = asked.items, [item.references for item in asked.items]
    responses = {name: _in_order(path, items) for name, path in asked.responses.items()}

    @cache
    def embedder() -> Embedder:
        return Embedder(*load_embedder(cfg.embedder))

    unfit = unfit_metrics(cfg, references, embedder, demonstration=asked.demonstration)
    histories = [[message.chat() for message in item.messages] for item in items]
    scorers = scorers_of(cfg, references, embedder, {*unfit, *taken}, histories)
    texts = {name: [response.text for response in given] for name, given in responses.items()}
    sheet = ScoreSheet(
        ids=tuple(item.id for item in items),
        digests=tuple(sha256_json([[m[:2] for m in item.messages], item.references])[:16] for item in items),
        dialogues=tuple(item.dialogue_id for item in items),
        topics=tuple(item.topic for item in items),
        depths=tuple(sum(message.role == "user" for message in item.messages) for item in items),
        characters={name: np.array([len(text) for text in of], dtype=np.float64) for name, of in texts.items()},
        parts=score_all(cfg, scorers, texts, references),
    )
    further = dict(taken)
    if cfg.perplexity and asked.perplexity is not None:
        further["perplexity"] = perplexity_scorer(), _surprise(asked.perplexity, asked)
    for metric, (scorer, of_contenders) in further.items():
        scorers[metric] = scorer
        for name, of_one in of_contenders.items():
            sheet.parts[name][metric] = of_one
    ordered = sorted(scorers, key=lambda name: ROLES.index(scorers[name].role(cfg.primary)))
    found = {name: check_answers(items, given) for name, given in responses.items()}
    left_out = [Said("compare.unfit", {"name": registry()[name].said, "why": why}) for name, why in unfit.items()]
    return _Scored(items, responses, found, {name: scorers[name] for name in ordered}, sheet), left_out


class _About(NamedTuple):
    """What does not change with the items."""

    cfg: EvalConfig
    asked: Asked
    seed: int
    gates: tuple[Gate, ...]
    notes: tuple[Said, ...]


def _compared(about: _About, scored: _Scored, leaked: dict[str, Leakage]) -> Comparison:
    cfg, asked, sheet = about.cfg, about.asked, scored.sheet
    dialogues = len(set(sheet.dialogues))
    prompts = scored.other_prompts(asked)
    facts = Facts(asked.baseline, scored.found, prompts, leaked, dialogues, asked.problems)
    settings = Settings(cfg.bootstrap_resamples, cfg.confidence, about.seed)
    found = Comparison(
        baseline=asked.baseline,
        contenders=tuple(scored.responses),
        items=len(scored.items),
        dialogues=dialogues,
        confidence=cfg.confidence,
        resamples=cfg.bootstrap_resamples,
        seed=about.seed,
        metrics=_compare(scored.scorers, cfg.primary, sheet, asked.baseline, settings),
        decoding=asked.decoding,
        answers={
            name: AnswerLengths(float(np.mean(sheet.characters[name])), of.length_ratio)
            for name, of in scored.found.items()
        },
        checks={name: of.rates for name, of in scored.found.items()},
        leakage=leaked,
        gates=(*judged(facts, cfg.bounds), *about.gates),
        notes=about.notes,
        no_topics=why_no_topics(sheet.topics, sheet.dialogues),
        demonstration=asked.demonstration,
    )
    return replace(found, metrics=withheld(found, found.metrics))


def _in_order(path: Path, items: list[Item]) -> list[Response]:
    by_id = {row["id"]: msgspec.convert(row, Response) for row in read_jsonl(path)}
    missing = [item.id for item in items if item.id not in by_id]
    if missing:
        raise DataError(
            f"{path}: no answer for {len(missing)} of {len(items)} items (first: {missing[0]}); run evaluate again"
        )
    return [by_id[item.id] for item in items]


def withheld(about: Comparison | RunsComparison, metrics: Sequence[MetricResult]) -> tuple[MetricResult, ...]:
    """``metrics`` without verdicts on contenders that cannot be compared, by the gates of ``about``."""
    unfair = {name for name in about.others if about.gates_of(name, NOT_COMPARABLE)}
    return tuple(
        replace(
            m,
            differences={
                name: replace(d, verdict=WITHHELD) if name in unfair and m.role != DIAGNOSTIC else d
                for name, d in m.differences.items()
            },
        )
        for m in metrics
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
    scorers: Mapping[str, Scorer], primary: str, sheet: ScoreSheet, baseline: str, settings: Settings
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
            role=scorer.role(primary),
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


def _notes(asked: Asked, scored: _Scored) -> Iterator[Said]:
    """What must be known of how these very scores came about."""
    if not any(scored.other_prompts(asked).values()):
        yield from _asked_alike(asked)
    references = [item.references for item in scored.items]
    for scorer in scored.scorers.values():
        for name, given in scored.responses.items():
            if scorer.remark and (remark := scorer.remark([r.text for r in given], references)):
                values = {"title": scorer.metric.said, "name": contender(name), "remark": remark}
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


def _item_rows(scored: _Scored) -> Iterator[ItemRow]:
    scores = {
        name: {metric: scored.scorers[metric].total(of_one).tolist() for metric, of_one in parts.items()}
        for name, parts in scored.sheet.parts.items()
    }
    for i, item in enumerate(scored.items):
        yield ItemRow(
            id=item.id,
            dialogue_id=item.dialogue_id,
            topic=item.topic,
            history=tuple(Turn(m.role, m.content) for m in item.messages),
            references=item.references,
            answers={name: given[i].text for name, given in scored.responses.items()},
            flags={name: of.flags[i] for name, of in scored.found.items()},
            scores={name: {metric: values[i] for metric, values in by.items()} for name, by in scores.items()},
        )


def _stored(comparison: Comparison) -> StoredMetrics:
    return StoredMetrics(
        comparison.decoding,
        {m.metric: StoredMetric(m.title, m.signature, m.higher_is_better, m.scores) for m in comparison.metrics},
    )
