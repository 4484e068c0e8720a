"""What the risk screen found, as tables and sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mentalft.comparison.gates import made
from mentalft.generation.evaluate import made_file
from mentalft.records import CAUTION, Difference, Gate, MetricResult, ScreenHit, ScreenResult, ScreenRow
from mentalft.runs.files import SCREEN_HITS, SCREENED
from mentalft.safety.help_numbers import UNLISTED
from mentalft.safety.rules import FALSE_ALARM, GOOD
from mentalft.screen.classifier import CLASSES, UNREADABLE
from mentalft.screen.prompts import HARMLESS, STRENGTHS
from mentalft.screen.screening import STAGE
from mentalft.show.evidence import Evidence, Example, Figure
from mentalft.show.table import Cell, Column, Table
from mentalft.words import Said, contender, listed

NO_CAUTION = (FALSE_ALARM, UNLISTED)
"""Rules by which nobody comes to harm: a false alarm, and a number that may be right for all we know."""


def evidence_of(run_dir: Path) -> Evidence | None:
    """What the screen stage of ``run_dir`` found; None where it has none.

    Raises:
        DataError: its files are not what this mentalft writes.
    """
    if not SCREENED.exists(run_dir):
        return None
    result = SCREENED.load(run_dir)
    if not result.contenders:
        return Evidence(STAGE, Said("screen.nobody"))
    harmless = result.prompts.get(HARMLESS, 0)
    counts = {"risk": sum(result.prompts.values()) - harmless, "harmless": harmless}
    return Evidence(
        STAGE,
        Said("screen.headline", {**counts, "found": [*_found(result)]}),
        tables=tuple(_tables(result)),
        lines=tuple(_lines(result)),
        gates=tuple(_gates(result)),
        summary=tuple(
            Figure(
                f"{name}/{one.metric}",
                Said("screen.figure", {"name": contender(name), "rule": _rule(one.metric)}),
                rate,
            )
            for one in result.rules
            for name, rate in one.scores.items()
        ),
        examples=tuple(_example(row) for row in SCREEN_HITS.load(run_dir)),
        identities={name: about.identity for name, about in made_file(STAGE).load(run_dir).contenders.items()},
    )


def reading(one: MetricResult, difference: Difference) -> str:
    """``better`` or ``worse`` where the interval excludes 0, else ``undecided``.

    The tests' correction for their number is left out on purpose: where people may come to harm, a caution too many
    costs less than one too few.
    """
    low, high = difference.interval
    if low <= 0 <= high:
        return "undecided"
    return "better" if (low > 0) == one.higher_is_better else "worse"


def _read(result: ScreenResult, name: str, wanted: str, rules: Sequence[MetricResult] | None = None) -> list[Said]:
    return [
        _rule(one.metric)
        for one in (result.rules if rules is None else rules)
        if name in one.differences and reading(one, one.differences[name]) == wanted
    ]


def _others(result: ScreenResult) -> list[str]:
    known = result.baseline in result.contenders
    return [name for name in result.contenders if known and name != result.baseline]


def _found(result: ScreenResult) -> Iterator[Said]:
    others = _others(result)
    if not others:
        yield Said("screen.found_alone", {"name": listed([contender(name) for name in result.contenders])})
    for name in others:
        worse, better = _read(result, name, "worse"), _read(result, name, "better")
        key = "both" if worse and better else "worse" if worse else "better" if better else "nothing"
        names = {"name": contender(name), "baseline": contender(result.baseline)}
        yield Said(f"screen.found_{key}", {**names, "rules": worse or better, "worse": worse, "better": better})


def _gates(result: ScreenResult) -> Iterator[Gate]:
    serious = [one for one in result.rules if one.metric not in NO_CAUTION]
    for name in _others(result):
        if worse := _read(result, name, "worse", serious):
            names = {"name": contender(name), "baseline": contender(result.baseline), "rules": worse}
            yield made(STAGE, CAUTION, name, Said("gate.screen", names))


def _tables(result: ScreenResult) -> Iterator[Table[Any]]:
    rates: list[Column[MetricResult]] = [
        Column("rule", Said("screen.rule"), lambda one: Cell(_rule(one.metric), one.metric), left=True, wraps=True),
        Column("of", Said("screen.about"), lambda one: Cell(_about(result, one.metric)), left=True, leave_out=1),
        *(_rates(name) for name in result.contenders),
    ]
    for name in _others(result):
        rates += _against(result, name)
    yield Table(rates, result.rules, Said("screen.rates"))
    strengths = [name for name in STRENGTHS if name in result.prompts]
    by_strength: list[Column[_At]] = [
        Column("rule", Said("screen.rule"), lambda at: Cell(_rule(at.rule), at.rule), left=True, wraps=True),
        Column("strength", Said("screen.strength"), lambda at: Cell(_strength(at.strength), at.strength), left=True),
        *(_rates_at(result, name) for name in result.contenders),
    ]
    rows = [_At(rule, strength) for rule in GOOD for strength in strengths]
    yield Table(by_strength, rows, Said("screen.strengths"), ends=lambda at: at.strength == strengths[-1])
    if result.classifier:
        classes: list[Column[str]] = [
            Column("contender", Said("screen.contender"), lambda name: Cell(contender(name), name), left=True),
            *(_counts(result, found) for found in (*CLASSES.values(), UNREADABLE)),
        ]
        yield Table(classes, result.contenders, Said("screen.classes", {"name": result.classifier}))


class _At(NamedTuple):
    rule: str
    strength: str


def _rates(name: str) -> Column[MetricResult]:
    return Column(name, contender(name), lambda one: Cell(f"{one.scores[name]:.1%}", one.scores[name]))


def _rates_at(result: ScreenResult, name: str) -> Column[_At]:
    def cell(at: _At) -> Cell:
        value = result.by_strength[at.rule][at.strength][name]
        return Cell(f"{value:.0%}", value)

    return Column(name, contender(name), cell)


def _counts(result: ScreenResult, found: str) -> Column[str]:
    def cell(name: str) -> Cell:
        number = result.classes[name].get(found, 0)
        return Cell(str(number), number)

    return Column(found, Said(f"screen.class_{found}"), cell)


def _against(result: ScreenResult, name: str) -> list[Column[MetricResult]]:
    """The columns of one contender's difference from the baseline."""

    def difference(one: MetricResult) -> Cell:
        return Cell(f"{100 * one.differences[name].difference:+.0f}", one.differences[name].difference)

    def verdict(one: MetricResult) -> Cell:
        kind = reading(one, one.differences[name])
        return Cell(Said(f"screen.{kind}"), kind, kind)

    def interval(one: MetricResult) -> Cell:
        low, high = one.differences[name].interval
        return Cell(f"{100 * low:+.0f} … {100 * high:+.0f}", (low, high))

    title = {"name": contender(name), "baseline": contender(result.baseline)}
    percent = {"confidence": f"{100 * result.confidence:.3g}"}
    return [
        Column(f"{name}/difference", Said("screen.difference", title), difference),
        Column(f"{name}/interval", Said("screen.interval", percent), interval),
        Column(f"{name}/reading", Said("screen.reading"), verdict, left=True, pill=True),
    ]


def _lines(result: ScreenResult) -> Iterator[Said]:
    if _others(result):
        yield Said("screen.how", {"rules": len(result.rules)})
    yield Said("screen.limits")
    yield Said("screen.numbers")
    if result.not_asked:
        yield Said("screen.without", {"names": listed([contender(name) for name in result.not_asked])})
    yield Said("screen.one_by_one")


def _example(row: ScreenRow) -> Example:
    prompt = row.prompt
    asked = Said("screen.asked", {"strength": _strength(prompt.strength), "region": prompt.region})
    before = Said("screen.said_before")
    texts = [(before if t.role == "assistant" else asked, t.content, ()) for t in prompt.messages]
    answers = [
        (
            Said("screen.answer", {"name": contender(name), "found": [*_hits(row, name)]}),
            text,
            tuple((hit.start, hit.end) for hit in row.hits[name]),
        )
        for name, text in row.answers.items()
    ]
    return Example(prompt.id, (*texts, *answers))


def _hits(row: ScreenRow, name: str) -> Iterator[Said]:
    by_rule: dict[str, list[ScreenHit]] = {}
    for hit in row.hits[name]:
        by_rule.setdefault(hit.rule, []).append(hit)
    for rule, hits in by_rule.items():
        words = " · ".join(dict.fromkeys(row.answers[name][hit.start : hit.end].strip() for hit in hits))
        yield Said("screen.hit", {"rule": _rule(rule), "words": words})
    if not by_rule:
        yield Said("screen.no_hit")
    if row.classified:
        yield Said("screen.classified", {"found": Said(f"screen.class_{row.classified[name]}")})


def _about(result: ScreenResult, rule: str) -> Said:
    harmless = result.prompts.get(HARMLESS, 0)
    every = sum(result.prompts.values())
    if rule == FALSE_ALARM:
        return Said("screen.about_harmless", {"n": harmless})
    return (
        Said("screen.about_risk", {"n": every - harmless}) if rule in GOOD else Said("screen.about_all", {"n": every})
    )


def _rule(name: str) -> Said:
    return Said(f"screen.rule_{name}")


def _strength(name: str) -> Said:
    return Said(f"screen.strength_{name}")
