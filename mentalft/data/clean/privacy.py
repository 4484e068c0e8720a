"""Personal data in text: found by rules that are sure, replaced by typed placeholders, counted.

Words are found by :mod:`mentalft.data.clean.privacy_rules`, numbers by :mod:`mentalft.data.clean.numbers`. A rule that
is not sure leaves the text alone: what this finds is a floor, not a guarantee.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache

from mentalft.data.clean.help_lines import bare, help_lines
from mentalft.data.clean.numbers import ENCLOSING, PLAIN, Found, numbers, spelt_numbers
from mentalft.data.clean.privacy_rules import RULES, Rule
from mentalft.data.clean.screening import ALL, DIGIT, LETTER, REMARK, SPELLED
from mentalft.records import HELP_LINES, Dialogue

LONGEST_COUNT = 7
"""Digits of a name that is a mere number, too short to be anybody's telephone or identity card."""
UNUSUAL = re.compile(
    "[\xb2-\xb9\u2070-\u2089\u20e3\u2460-\u27ff\ufe0f\uff02-\uff07\uff0a\uff0b\uff0d-\uff19\uff1c-\uff1e\uff20-\uff5e"
    "\U0001d7ce-\U0001d7ff]"
)
"""Takes in what ``PLAIN`` changes; a few ranges are searched thirteen times as fast as all characters one by one."""


def redactor(hotlines: Iterable[str]) -> Callable[..., str]:
    """A function that redacts one text and adds what it found, by type, to a counter.

    Args:
        hotlines: numbers that stay besides the known help lines, as people write them.

    The function takes as a third argument what the text may concern, as :mod:`mentalft.data.clean.screening` found it.
    Numbers that stay because they are help lines are counted as :data:`mentalft.records.HELP_LINES`.
    """
    kept = frozenset(map(bare, (*(line.number for line in help_lines()), *hotlines)))

    def redact(text: str, found: Counter[str], flags: int = ALL) -> str:
        unusual = flags & (DIGIT | LETTER | SPELLED) and UNUSUAL.search(text)
        plain = text.translate(PLAIN) if unusual else text  # the same length, so places are the same
        spans: list[Found] = []
        for hints, needs, rule in _rules(flags):
            for hint in hints:  # a loop and no call, for it runs for every dialogue
                if hint in plain:
                    if needs is None or needs.search(plain) is not None:
                        spans += [Found(*m.span(rule.group), rule.type) for m in rule.pattern.finditer(plain)]
                    break
        if flags & DIGIT:
            spans += numbers(plain, kept, found)
        if flags & SPELLED:
            spans += spelt_numbers(plain)
        return _replaced(text, spans, found) if spans else text

    return redact


@cache
def _rules(flags: int) -> tuple[tuple[tuple[str, ...], re.Pattern[str] | None, Rule], ...]:
    """Of each rule that may find something: one of its hints is in the text (``""`` is in all), and its need is."""
    rules = [rule for rule in RULES if rule.concern & flags]
    return tuple((rule.hints or ("",), rule.needs if rule.hints else None, rule) for rule in rules)


def _replaced(text: str, spans: list[Found], found: Counter[str]) -> str:
    """``text`` with placeholders; where two rules overlap, the first has it."""
    taken: list[Found] = []
    for span in spans:
        if all(span.end <= other.start or other.end <= span.start for other in taken):
            taken.append(span)
            found[span.type] += 1
    for span in sorted(taken, reverse=True):
        text = f"{text[: span.start]}[{span.type}]{text[span.end :].lstrip(ENCLOSING)}"
    return text


class DialogueRedactor:
    """Redacts dialogues and counts in ``counts`` what it found, by type, and in how many ``dialogues``."""

    def __init__(self, hotlines: Iterable[str], counts: Counter[str]) -> None:
        self.redact, self.counts = redactor(hotlines), counts
        self.topics: dict[str | None, tuple[str | None, Counter[str]]] = {None: (None, Counter())}
        """As redacted, with what was found; a corpus has few."""
        self.found, self.inside = Counter[str](), Counter[str]()  # kept, for making them costs more than most looks

    def __call__(self, dialogue: Dialogue, text: str, flags: int) -> Dialogue:
        """``dialogue``, redacted: its turns, its topic and its name, for each may hold personal data.

        Args:
            text: what was said, and
            flags: what that may concern, as :mod:`mentalft.data.clean.screening` found it.
        """
        messages, references, topic = dialogue.messages, dialogue.references, dialogue.topic
        if references or messages[0].role == "system":  # more than what was screened
            text, flags = "\n".join([*[m.content for m in messages], *references]), ALL
        if topic not in self.topics:
            found_there: Counter[str] = Counter()
            self.topics[topic] = self.redact(topic or "", found_there), found_there
        new_topic, in_topic = self.topics[topic]
        plain_name = dialogue.id.isdecimal() and len(dialogue.id) <= LONGEST_COUNT
        if plain_name and not in_topic and not flags & ~REMARK:
            return dialogue
        found, inside = self.found, self.inside
        found.clear()
        inside.clear()
        name = dialogue.id if plain_name else self.redact(dialogue.id, found)
        self.redact(text, inside, flags)
        if not found and not inside and not in_topic:
            return dialogue
        found.update(in_topic)
        if inside:  # text by text, so that the end of one hides no number in the next
            messages = tuple(m._replace(content=self.redact(m.content, found)) for m in messages)
            references = tuple(self.redact(reference, found) for reference in references)
        self.counts.update(found)
        self.counts["dialogues"] += found.keys() != {HELP_LINES}
        return Dialogue(name, new_topic, messages, references)
