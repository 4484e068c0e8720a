"""Whether a comparison is a fair one: a table of rules, each with a bound for a caution and one for no verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mentalft.config import BoundsConfig
from mentalft.metrics.integrity import CHECKS, Integrity
from mentalft.records import CAUTION, NOT_COMPARABLE, Gate, Leakage, Level
from mentalft.statistics import FEW_DIALOGUES
from mentalft.words import Said, catalogue, contender

Bound = Callable[[BoundsConfig, Level], float | None]


class Facts(NamedTuple):
    """What rules look at; mappings are by contender."""

    baseline: str
    integrity: Mapping[str, Integrity]
    other_prompts: Mapping[str, float]
    """Share of the items of which the prompt is not the baseline's."""
    leakage: Mapping[str, Leakage]
    dialogues: int
    problems: int
    """Of answers that were given as files."""


@dataclass(frozen=True)
class Rule:
    """One thing that may be wrong.

    The catalogue has it under ``gate.NAME``, perhaps ``gate.NAME_every`` where it is so of every answer, and under
    ``gate.NAME_do`` what to do.
    """

    name: str
    measure: Callable[[Facts, str], float | None]
    """Of a contender; what is above a bound is wrong, and None is not known."""
    bound: Bound
    form: Callable[[float], str] = "{:.1%}".format
    """Writes what is measured, and its bounds."""
    each: bool = True
    """Whether it is about each contender's answers, not about all of them."""


def _setting(name: str) -> Bound:
    return lambda bounds, level: getattr(getattr(bounds, level), name)


def _fixed(at: Level, bound: float) -> Bound:
    return lambda _, level: bound if level == at else None


def _rate(check: str) -> Callable[[Facts, str], float]:
    return lambda facts, name: facts.integrity[name].rates[check]


RULES = (
    Rule("prompts", lambda f, name: f.other_prompts[name], _fixed(NOT_COMPARABLE, 0)),
    Rule("leakage", lambda f, name: f.leakage[name].share if name in f.leakage else None, _setting("leakage")),
    *(Rule(check, _rate(check), _setting(check)) for check in CHECKS),
    Rule("shorter", lambda f, name: 1 / max(f.integrity[name].length_ratio, 1e-9), _setting("shorter"),
         lambda times: f"{1 / times:.2f}"),
    Rule("longer", lambda f, name: f.integrity[name].length_ratio, _setting("longer"), "{:.2f}".format),
    Rule("dialogues", lambda f, _: -f.dialogues, _fixed(CAUTION, -FEW_DIALOGUES), lambda n: f"{-n:.0f}", each=False),
    Rule("problems", lambda f, _: f.problems, _fixed(CAUTION, 0), "{:.0f}".format, each=False),
)  # fmt: skip
"""In the order in which the headline names what they find."""


def judged(facts: Facts, bounds: BoundsConfig) -> Iterator[Gate]:
    """What exceeds a bound; of contenders first, for they are judged by the baseline."""
    others = [name for name in facts.integrity if name != facts.baseline]
    for rule in RULES:
        for name in [*others, facts.baseline] if rule.each else [facts.baseline]:
            value = rule.measure(facts, name)
            for level in (NOT_COMPARABLE, CAUTION):
                bound = rule.bound(bounds, level)
                if value is not None and bound is not None and value > bound:
                    beside = ([facts.baseline] if name != facts.baseline else others) if rule.each else []
                    known = {n: found for n in beside if (found := rule.measure(facts, n)) is not None}
                    yield _gate(rule, level, name, value, bound, known)
                    break


def _gate(rule: Rule, level: Level, name: str, value: float, bound: float, beside: Mapping[str, float]) -> Gate:
    every = f"gate.{rule.name}_every"
    key = every if value == 1 and every in catalogue() else f"gate.{rule.name}"
    clause = Said(key, {"name": contender(name), "value": rule.form(value), "bound": rule.form(bound)})
    others = [Said("gate.of", {"name": contender(n), "value": rule.form(v)}) for n, v in beside.items()]
    held = [Said("gate.bound", {"bound": rule.form(bound)}), *others] if rule.each else []
    return made(rule.name, level, name if rule.each else None, clause, held)


def made(rule: str, level: Level, name: str | None, clause: Said, held: Sequence[Said] = ()) -> Gate:
    """A gate with its line in words.

    Args:
        held: what the finding is held against: a bound, the other contenders.
    """
    values = {"what": clause, "do": Said(f"gate.{rule}_do"), "held": list(held)}
    return Gate(rule, level, name, clause, Said("gate.line_held" if held else "gate.line", values))
