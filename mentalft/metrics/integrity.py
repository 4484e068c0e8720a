"""What stands beside every score: how many answers are not what an answer should be, with evidence, and warnings.

A score can rise because answers got shorter, or stay up while half of them end in mid-sentence; these shares say so.
They are screens by rule (:mod:`mentalft.metrics.integrity_rules`), not judgements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from mentalft.config import BoundsConfig
from mentalft.metrics import integrity_rules as rules
from mentalft.metrics.length import characters
from mentalft.words import Said, contender

if TYPE_CHECKING:
    from mentalft.records import Flag, Item, Response

CHECKS = ("echo", "empty", "cut", "repetition", "other_language", "other_script", "role_leak", "thinking", "refused")
"""What is looked for; the catalogue has the words, such as ``check.they_echo``."""


class Integrity(NamedTuple):
    """What a contender's answers look like."""

    flags: tuple[tuple[Flag, ...], ...]
    """(items,)"""
    rates: dict[str, float]
    """Check → share of the answers that it found."""
    length_ratio: float
    """Characters of all answers by those of all references (the mean of an item's), white space aside."""


def check_answers(items: Sequence[Item], responses: Sequence[Response]) -> Integrity:
    """Every check on every answer.

    Args:
        items: what was asked, with its references.
        responses: (items,) the answers, in the same order.
    """
    flags = tuple(_flags(item, response) for item, response in zip(items, responses, strict=True))
    found = [{flag.check for flag in of_item} for of_item in flags]
    answers = sum(characters(response.text) for response in responses)
    references = sum(sum(map(characters, item.references)) / len(item.references) for item in items)
    return Integrity(
        flags,
        {check: sum(check in of_item for of_item in found) / max(len(found), 1) for check in CHECKS},
        answers / references if references else 0.0,
    )


def warnings(found: Mapping[str, Integrity], baseline: str, bounds: BoundsConfig) -> list[Said]:
    """What exceeds a bound, one sentence each, the baseline last: the others are judged.

    Args:
        found: contender → what its answers look like.
    """
    others = [name for name in found if name != baseline]
    said = []
    for name in [*others, baseline]:
        beside = [baseline] if name != baseline else others
        for check in CHECKS:
            rate, bound = found[name].rates[check], getattr(bounds, check)
            if rate > bound:
                beside_rates = [
                    Said("check.other_rate", {"name": contender(n), "rate": found[n].rates[check]}) for n in beside
                ]
                values = {"rate": rate, "name": contender(name), "what": Said(f"check.they_{check}"), "bound": bound}
                said.append(Said("check.exceeds", {**values, "others": beside_rates}))
        ratio = found[name].length_ratio
        if not bounds.length_ratio_low <= ratio <= bounds.length_ratio_high:
            beside_ratios = [
                Said("check.other_ratio", {"name": contender(n), "ratio": found[n].length_ratio}) for n in beside
            ]
            than = "shorter" if ratio < bounds.length_ratio_low else "longer"
            values = {"name": contender(name), "than": Said(f"check.{than}"), "ratio": ratio}
            limits = {"low": bounds.length_ratio_low, "high": bounds.length_ratio_high}
            said.append(Said("check.length", {**values, **limits, "others": beside_ratios}))
    return said


def _flags(item: Item, response: Response) -> tuple[Flag, ...]:
    from mentalft.records import Flag

    text = response.text
    user = next((m.content for m in reversed(item.messages) if m.role == "user"), "")
    found = {
        "echo": rules.echo(text, user),
        "empty": rules.empty(text),
        "cut": rules.cut(text or response.thinking or "", response.finish_reason),
        "repetition": rules.repetition(text),
        "other_language": rules.other_language(text, item.references),
        "other_script": rules.other_script(text, item.references),
        "role_leak": rules.role_leak(text, item.references),
        "thinking": rules.thinking(response.thinking),
        "refused": rules.refused(response.refusal),
    }
    return tuple(Flag(check, evidence) for check, evidence in found.items() if evidence is not None)
