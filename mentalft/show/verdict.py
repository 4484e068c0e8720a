"""What a comparison found by its primary metric, in a sentence a contender, and what keeps it from being sure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mentalft.records import (
    CAUTION,
    NOT_COMPARABLE,
    PRIMARY,
    Comparison,
    Difference,
    Interval,
    MetricResult,
    RunsComparison,
)
from mentalft.show.numbers import brief
from mentalft.words import Language, Said, contender, told

TUNED = "tuned"
"""What the run's own model is called, in sentences that speak of it."""


def verdict_sentence(comparison: Comparison | RunsComparison, language: Language = "en") -> str:
    """Whether each contender is better, worse, not to be told from the baseline, or not to be compared with it; of
    several contenders a line each."""
    between = " " if language == "en" else ""
    parts = [between.join(told(said, language) for said in part) for part in _parts(comparison)]
    return ("\n" if len(comparison.others) > 1 else between).join(parts)


def headline(comparison: Comparison | RunsComparison) -> Iterator[Said]:
    """A sentence for each contender, and where some of the items were trained on, one for the others."""
    yield from (said for part in _parts(comparison) for said in part)


def _parts(comparison: Comparison | RunsComparison) -> Iterator[list[Said]]:
    if not comparison.others:
        m = next(m for m in comparison.metrics if m.role == PRIMARY)
        values = {"title": m.title, "score": m.scores[comparison.baseline], "name": contender(comparison.baseline)}
        yield [Said("headline.alone", {**values, "items": comparison.items, "dialogues": comparison.dialogues})]
    for name in comparison.others:
        unfair = comparison.gates_of(name, NOT_COMPARABLE)
        if unfair:
            alone = "alone" if len(comparison.others) == 1 else "of"
            names = {"name": contender(name), "baseline": contender(comparison.baseline)}
            yield [Said(f"headline.not_comparable_{alone}", {**names, "why": [gate.clause for gate in unfair]})]
        else:
            yield [*_of(comparison, name)]
    if comparison.unseen:
        yield [Said("headline.unseen", {"found": [*headline(comparison.unseen)]})]


def short_verdict(comparison: Comparison) -> Said:
    """The same in a few words, for lists of runs."""
    found = [_short(comparison, name) for name in comparison.others] or [*headline(comparison)]
    if len(found) > 1:
        found = [
            Said("plot.of_side", {"name": contender(n), "said": f})
            for n, f in zip(comparison.others, found, strict=True)
        ]
    return Said("headline.listed", {"found": found})


def _short(comparison: Comparison, name: str) -> Said:
    if unfair := comparison.gates_of(name, NOT_COMPARABLE):
        return Said("headline.short_not_comparable", {"why": unfair[0].clause})
    m, d = _primary(comparison, name)
    return Said("headline.short", {"verdict": Said(f"verdict.{d.verdict}"), **_figures(m, d.difference, d.interval)})


def _primary(comparison: Comparison | RunsComparison, name: str) -> tuple[MetricResult, Difference]:
    m = next(m for m in comparison.metrics if m.role == PRIMARY)
    return m, m.differences[name]


def _of(comparison: Comparison | RunsComparison, name: str) -> Iterator[Said]:
    m, d = _primary(comparison, name)
    of_tuned = name == TUNED and len(comparison.others) == 1
    leakage = comparison.leakage.get(name)
    seen = "unknown"
    if leakage and leakage.known:
        seen = "some" if leakage.items else "none_at_all" if comparison.demonstration else "none"
    of_seeds = "_seeds" if name in comparison.over_seeds else ""
    written = _figures(m, d.difference, d.interval, comparison.confidence)
    if isinstance(comparison, RunsComparison):
        written["runs"] = len(comparison.runs)
    figures = Said("headline.figures" + of_seeds, written)
    values = {
        "name": Said("headline.tuned") if of_tuned else contender(name),
        "baseline": contender(comparison.baseline),
        "figures": figures,
        "items": comparison.items,
        "dialogues": comparison.dialogues,
        "seen": Said(f"headline.seen_{seen}"),
    }
    yield Said(f"headline.{d.verdict}" + (of_seeds if of_tuned else "_of"), values)
    cautions = comparison.gates_of(name, CAUTION)
    if cautions:
        clauses = [gate.clause for gate in cautions]
        equal = d.length_controlled
        if equal and any(gate.rule in ("shorter", "longer") for gate in cautions):
            key = "headline.equal_length" + "_extrapolated" * equal.extrapolated
            clauses.append(Said(key, _figures(m, equal.difference, equal.interval)))
        yield Said("headline.caution", {"clauses": clauses})


def _figures(m: MetricResult, difference: float, interval: Interval, confidence: float = 0) -> dict[str, Any]:
    written = brief(difference, interval)
    return {"title": m.title, "difference": written.difference, "interval": written.interval,
            "confidence": f"{100 * confidence:.3g}"}  # fmt: skip
