"""Personal data in text: found by rules that are sure, replaced by typed placeholders, counted.

Numbers are checked by libraries (``phonenumbers`` for numbering plans, ``python-stdnum`` for the checksum of Chinese
identity cards), the rest by :mod:`mentalft.data.clean.privacy_rules`. A rule that is not sure leaves the text alone:
what this finds is a floor, not a guarantee.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache, partial

import phonenumbers
from stdnum.iso7064 import mod_11_2

from mentalft.data.clean.privacy_rules import RULES, Rule
from mentalft.data.clean.screening import ALL, DIGIT, REMARK
from mentalft.records import Dialogue

NUMBER = re.compile(r"\d(?:[-－—–()（）\t \u00a0\u3000]{0,2}\d){5,}[XxＸｘ]?")
"""Begins with a digit and nothing before it, so that the search is quick; what stands around is looked at after.

It takes in all digits of a line that stand close together; what is no number as a whole may hold one.
"""
LONGEST = 18
"""Digits of a number."""
INSIDE = re.compile(r"(?<!\d)(?:[1１][3-9３-９]\d(?:[-－ ]?\d{4}){2}|[1-9１-９]\d{16}[0-9０-９XxＸｘ])(?!\d)")
"""A mobile number or an identity card beside other digits: an age, a second number."""
IDENTITY_CARD = re.compile(r"[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]")
"""Region, date of birth, number of the day, and a check digit (GB 11643-1999, ISO 7064 MOD 11-2)."""
DIGITS = str.maketrans("０１２３４５６７８９＋－—–（）＠Ｘｘ", "0123456789+---()@XX")


LONGEST_COUNT = 7
"""Digits of a name that is a mere number, too short to be anybody's telephone or identity card."""


def redactor(hotlines: Iterable[str]) -> Callable[..., str]:
    """A function that redacts one text and adds what it found, by type, to a counter.

    Args:
        hotlines: numbers that stay, as people write them; only their digits count.

    The function takes as a third argument what the text may concern, as :mod:`mentalft.data.clean.screening` found it.
    """
    kept = {re.sub(r"\D", "", number) for number in hotlines}

    def redact(text: str, found: Counter[str], flags: int = ALL) -> str:
        for hints, needs, rule in _rules(flags):
            for hint in hints:  # a loop and no call, for it runs for every dialogue
                if hint in text:
                    if needs is None or needs.search(text) is not None:
                        text = _replaced(text, rule, found)
                    break
        if flags & DIGIT:
            text = NUMBER.sub(lambda match: _number(match, kept, found), text).replace("+[PHONE]", "[PHONE]")
        return text

    return redact


@cache
def _rules(flags: int) -> tuple[tuple[tuple[str, ...], re.Pattern[str] | None, Rule], ...]:
    """Of each rule that may find something: one of its hints is in the text (``""`` is in all), and its need is."""
    rules = [rule for rule in RULES if rule.concern & flags]
    return tuple((rule.hints or ("",), rule.needs if rule.hints else None, rule) for rule in rules)


def _replaced(text: str, rule: Rule, found: Counter[str]) -> str:
    def placeholder(match: re.Match[str]) -> str:
        found[rule.type] += 1
        start, end = match.start(rule.group) - match.start(), match.end(rule.group) - match.start()
        return f"{match[0][:start]}[{rule.type}]{match[0][end:]}"

    return rule.pattern.sub(placeholder, text)


def _number(match: re.Match[str], kept: set[str], found: Counter[str]) -> str:
    """What was written, or a placeholder where it is an identity card or a telephone number that is not kept."""
    written, before = match[0], match.string[max(0, match.start() - 1) : match.start()]
    if before in (".", "．"):
        return written
    if (kind := _kind(written, before, kept)) is None:
        one = partial(_one_of_several, kept=kept, found=found)
        return re.sub(r"\S{7,}", one, INSIDE.sub(one, written))
    return _counted(kind, written, found)


def _one_of_several(match: re.Match[str], kept: set[str], found: Counter[str]) -> str:
    return _counted(_kind(match[0], "", kept), match[0], found)


def _counted(kind: str | None, written: str, found: Counter[str]) -> str:
    if not kind:
        return written
    found[kind] += 1
    return f"[{kind}]"


def _kind(written: str, before: str, kept: set[str]) -> str | None:
    """``ID`` or ``PHONE``; empty for a number that stays; None for what is no number."""
    plain = re.sub(r"[\s()-]", "", written.translate(DIGITS))
    if plain in kept or plain.removeprefix("86") in kept:
        return ""
    if len(plain) > LONGEST:
        return None
    if IDENTITY_CARD.fullmatch(plain) and mod_11_2.is_valid(plain.upper()):
        return "ID"
    return "PHONE" if _is_phone(f"+{plain}" if before in ("+", "＋") else plain, written) else None


def _is_phone(plain: str, written: str) -> bool:
    if plain[-1] in "Xx":
        return False
    mobile = re.fullmatch(r"(?:\+?86)?1[3-9]\d{9}", plain)
    if not mobile and not plain.startswith(("+", "0", "400", "800")):
        return False  # seven or eight digits alone may be anything
    if not mobile and plain.startswith("0") and not re.search(r"\D", written.strip()) and len(plain) < 11:
        return False
    try:
        return bool(mobile) or phonenumbers.is_valid_number(phonenumbers.parse(plain, "CN"))
    except phonenumbers.NumberParseException:
        return False


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
        self.counts["dialogues"] += 1
        return Dialogue(name, new_topic, messages, references)
