"""How many dialogues a difference takes to be seen, by the scatter of an earlier run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mentalft.comparison.runs import read_run
from mentalft.errors import DataError
from mentalft.metrics.registry import titled, total_of
from mentalft.records import DIAGNOSTIC, NOT_COMPARABLE, PRIMARY, Difference
from mentalft.show.numbers import signed, spread
from mentalft.statistics import dialogues_needed, scatter_of_dialogues
from mentalft.words import Language, Said, contender


class Planned(NamedTuple):
    contender: str
    difference: float
    """That is to be seen."""
    needed: int | None
    """Dialogues; None where there is no difference to be seen."""
    of_run: Difference


class Plan(NamedTuple):
    title: str
    dialogues: int
    items: int
    tests: int
    """That are corrected for."""
    confidence: float
    of: tuple[Planned, ...]
    unfair: tuple[Said, ...]


def plan(run_dir: Path, difference: float | None, metric: str | None, language: Language = "en") -> Plan:
    """For each contender of a run that was compared.

    Args:
        difference: that is to be seen; None takes the one that each contender showed.
        metric: its name in the configuration; None takes the primary one.

    Raises:
        DataError: the run has not been compared, has one contender alone, or no such metric.
    """
    run = read_run(run_dir)
    about, sheet = run.comparison, run.sheet
    name = metric or next(m.metric for m in about.metrics if m.role == PRIMARY)
    found = next((m for m in titled(about.metrics, language) if m.metric == name), None)
    if found is None:
        raise DataError(f"--metric: {run.name} has no {name}; there are {', '.join(m.metric for m in about.metrics)}")
    if not found.differences:
        raise DataError(
            f"{run.name}: by {found.title}, no contender is held against a baseline; give a run that compares two"
        )
    family = [d for m in about.metrics if m.role == found.role for d in m.differences]
    tests = 1 if found.role == DIAGNOSTIC else len(family)

    def planned() -> Iterator[Planned]:
        for name, of_run in found.differences.items():
            ours, theirs = (sheet.parts[side][found.metric] for side in (name, about.baseline))
            scatter = scatter_of_dialogues(theirs, ours, total_of(found.metric), sheet.dialogues)
            size = of_run.difference if difference is None else difference
            needed = dialogues_needed(size, scatter, 1 - (1 - about.confidence) / tests) if size else None
            yield Planned(name, size, needed, of_run)

    unfair = tuple(gate.line for gate in about.gates if gate.level == NOT_COMPARABLE)
    return Plan(found.title, about.dialogues, about.items, tests, about.confidence, tuple(planned()), unfair)


def sentences(found: Plan, *, observed: bool) -> Iterator[Said]:
    """What a plan comes to, a sentence each."""
    for one in found.of:
        about = {"name": contender(one.contender), "title": found.title}
        if one.needed is None:
            yield Said("power.nothing", about)
            continue
        more = one.needed - found.dialogues
        yield Said(
            "power.needed",
            {
                **about,
                "what": Said(f"power.{'observed' if observed else 'asked'}", {"difference": signed(one.difference)}),
                "needed": one.needed,
                "dialogues": found.dialogues,
                "replies": f"{found.items / found.dialogues:.1f}",
                "more": Said("power.more", {"more": more}) if more > 0 else Said("power.enough"),
            },
        )
        if observed:
            yield Said("power.uncertain", {"interval": spread(one.of_run.interval)})
    corrected = Said("power.corrected", {"tests": found.tests}) if found.tests > 1 else ""
    yield Said("power.how", {"confidence": f"{100 * found.confidence:.3g}", "corrected": corrected})
