"""Which group an item is shown in: groups of too few dialogues are pooled, not shown apart."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple, TypeVar

from mentalft.records import NO_TOPIC, OTHER
from mentalft.words import Said

MOST_TOPICS = 15
ENOUGH_DIALOGUES = 10
"""Fewest dialogues of a group that gets an interval."""

Label = TypeVar("Label", bound=Hashable)


class Groups(NamedTuple):
    of_item: list[str]
    order: list[str]
    """The groups as they are to be shown."""


def pooled_topics(topics: Sequence[str | None], dialogues: Sequence[str]) -> Groups:
    """The topics, those with most dialogues first.

    ``other`` holds topics of fewer than ten dialogues, and those beyond the fifteen with the most.
    """
    named = [topic or NO_TOPIC for topic in topics]
    held = _dialogues_of(named, dialogues)
    enough = [topic for topic in held if len(held[topic]) >= ENOUGH_DIALOGUES and topic != OTHER]
    kept = sorted(enough, key=lambda topic: (-len(held[topic]), topic))[:MOST_TOPICS]
    shown = set(kept)
    of_item = [topic if topic in shown else OTHER for topic in named]
    return Groups(of_item, [*kept, *([OTHER] if OTHER in of_item else [])])


def why_no_topics(topics: Sequence[str | None], dialogues: Sequence[str]) -> Said | None:
    """Why nothing is shown by topic; None where something is."""
    if len(pooled_topics(topics, dialogues).order) > 1:
        return None
    if not any(topics):
        return Said("compare.no_topic")
    if len(set(topics)) == 1:
        return Said("compare.one_topic")
    return Said("compare.small_topics", {"dialogues": ENOUGH_DIALOGUES})


def pooled_depths(depths: Sequence[int], dialogues: Sequence[str]) -> Groups:
    """The user turns that are answered, first to last; the deepest are pooled until ten dialogues are together."""
    held = _dialogues_of(depths, dialogues)
    levels = sorted(held)
    last = len(levels) - 1
    deepest = set(held[levels[last]])
    while last > 0 and len(deepest) < ENOUGH_DIALOGUES:
        last -= 1
        deepest |= held[levels[last]]
    pooled = f"{levels[last]}+" if last < len(levels) - 1 else str(levels[last])
    of_item = [str(depth) if depth < levels[last] else pooled for depth in depths]
    return Groups(of_item, [*map(str, levels[:last]), pooled])


def _dialogues_of(labels: Sequence[Label], dialogues: Sequence[str]) -> dict[Label, set[str]]:
    found: dict[Label, set[str]] = {}
    for label, dialogue in zip(labels, dialogues, strict=True):
        found.setdefault(label, set()).add(dialogue)
    return found
