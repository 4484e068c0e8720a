"""What stands beside every score: how many answers are not what an answer should be, with evidence, and warnings.

A score can rise because answers got shorter, or stay up while half of them end in mid-sentence; these shares say so.
They are screens by rule (:mod:`mentalft.metrics.integrity_rules`), not judgements.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mentalft.config import BoundsConfig
from mentalft.metrics import integrity_rules as rules
from mentalft.metrics.length import characters
from mentalft.records import Item, Response

CHECKS = {
    "echo": "repeat what the user said last",
    "empty": "are empty",
    "cut": "are cut at the length limit",
    "repetition": "loop",
    "other_language": "are in another script than the references",
    "role_leak": "hold role labels or template tokens",
}
"""Check → what is said of the answers that it finds."""


class Flag(NamedTuple):
    check: str
    evidence: str
    """What matched, in a few words of the answer."""


class Integrity(NamedTuple):
    """What one side's answers look like."""

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


def warnings(base: Integrity, tuned: Integrity, bounds: BoundsConfig) -> list[str]:
    """What exceeds a bound, one sentence each, the tuned side first: it is the one that is judged."""
    said = []
    for name, found, others, other in (("tuned", tuned, "base", base), ("base", base, "tuned", tuned)):
        for check, words in CHECKS.items():
            rate, bound = found.rates[check], getattr(bounds, check)
            if rate > bound:
                said.append(
                    f"{rate:.1%} of the {name} answers {words} (bound {bound:.1%}; {others} {other.rates[check]:.1%})"
                )
        ratio = found.length_ratio
        if not bounds.length_ratio_low <= ratio <= bounds.length_ratio_high:
            than = "shorter" if ratio < bounds.length_ratio_low else "longer"
            said.append(
                f"The {name} answers are much {than} than the references: {ratio:.2f} times their length "
                f"(bounds {bounds.length_ratio_low:g} to {bounds.length_ratio_high:g}; "
                f"{others} {other.length_ratio:.2f})"
            )
    return said


def _flags(item: Item, response: Response) -> tuple[Flag, ...]:
    text = response.text
    user = next((m.content for m in reversed(item.messages) if m.role == "user"), "")
    found = {
        "echo": rules.echo(text, user),
        "empty": rules.empty(text),
        "cut": rules.cut(text, response.finish_reason),
        "repetition": rules.repetition(text),
        "other_language": rules.other_language(text, item.references),
        "role_leak": rules.role_leak(text, item.references),
    }
    return tuple(Flag(check, evidence) for check, evidence in found.items() if evidence is not None)
