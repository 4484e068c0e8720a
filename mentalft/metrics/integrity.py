"""What stands beside every score: how many answers are not what an answer should be, with evidence.

A score can rise because answers got shorter, or stay up while half of them end in mid-sentence; these shares say so.
They are screens by rule (:mod:`mentalft.metrics.integrity_rules`), not judgements.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from mentalft.metrics import integrity_rules as rules
from mentalft.metrics.length import characters

if TYPE_CHECKING:
    from mentalft.records import Flag, Item, Response

CHECKS = ("echo", "empty", "cut", "repetition", "other_language", "role_leak")
"""What is looked for; the catalogue has the words, such as ``check.echo``."""


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


def _flags(item: Item, response: Response) -> tuple[Flag, ...]:
    from mentalft.records import Flag

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
