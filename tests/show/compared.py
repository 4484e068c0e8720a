"""Comparisons made by hand, so that every figure in them is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mentalft.records import (
    AnswerLengths,
    Comparison,
    Difference,
    Gate,
    Group,
    Interval,
    LengthControlled,
    Level,
    MetricResult,
)
from mentalft.words import Said

DIFFERENCE = Difference(
    0.15, Interval(0.1, 0.2), 7, 1, 2, 0.0004, 0.012, 0.07, "better",
    length_controlled=LengthControlled(0.11, Interval(0.05, 0.17), extrapolated=True),
    by_topic=(Group("sleep|work", 6, 12, 0.2, Interval(0.1, 0.3)), Group("other", 4, 4, 0.05, None)),
)  # fmt: skip
BLEU = MetricResult(
    "bleu", "BLEU", "bleu|sig", higher_is_better=True, scale="0–1", scores={"base": 0.1, "tuned": 0.25},
    differences={"tuned": DIFFERENCE}, role="primary",
)  # fmt: skip


def gate(text: str, level: Level = "caution", contender: str | None = "base", rule: str = "echo") -> Gate:
    """A gate whose words are the same in both languages."""
    return Gate(rule, level, contender, said(text), said(text))


def said(text: str) -> Said:
    """A sentence that is the same in both languages."""
    return Said("list.of", {"members": [text]})


HALF_REPEAT = gate("half of the base answers repeat the question")
COMPARISON = Comparison(
    baseline="base", contenders=("base", "tuned"), items=10, dialogues=16, confidence=0.95, resamples=1000, seed=1,
    decoding="greedy", metrics=(BLEU,),
    answers=dict.fromkeys(("base", "tuned"), AnswerLengths(41.5, 0.75)),
    checks={"base": {"echo": 0.5, "cut": 0.1}, "tuned": {"echo": 0.0, "cut": 0.1}},
    gates=(HALF_REPEAT,),
    notes=(Said("list.of", {"members": ["one text is cut"]}),),
)  # fmt: skip


def changed(m: MetricResult, *, base: float | None = None, tuned: float | None = None, **more: Any) -> MetricResult:
    """``m`` with other scores; ``more`` are fields of the metric or of the difference of ``tuned``."""
    scores = {
        "base": m.scores["base"] if base is None else base,
        "tuned": m.scores["tuned"] if tuned is None else tuned,
    }
    of_metric = {key: more.pop(key) for key in ("metric", "title", "higher_is_better", "scale", "role") if key in more}
    return replace(m, scores=scores, differences={"tuned": replace(m.differences["tuned"], **more)}, **of_metric)


def with_a_third(comparison: Comparison, name: str = "other-7b") -> Comparison:
    """``comparison`` with one more contender, a little worse than tuned."""

    def third(m: MetricResult) -> MetricResult:
        found = replace(m.differences["tuned"], difference=-0.02, interval=Interval(-0.05, 0.01), verdict="undecided")
        return replace(m, scores={**m.scores, name: 0.08}, differences={**m.differences, name: found})

    return replace(
        comparison,
        contenders=(*comparison.contenders, name),
        metrics=tuple(map(third, comparison.metrics)),
        answers={**comparison.answers, name: AnswerLengths(30.0, 0.5)},
        checks={**comparison.checks, name: {"echo": 0.25, "cut": 0.0}},
    )
