"""Signs of risk in what somebody writes: a short list of phrases, so that help can be named in time.

It is a floor, not a screen of people: it knows phrases, not what is meant. Where a phrase may be meant either way it
counts, because naming a help line once too often costs nothing.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import NamedTuple

from mentalft.assets import SIGNS_OF_RISK

CLAUSE_END = re.compile(r"[，。！？；、,.!?;:：\n…~—]")
LETTERS = re.compile("[a-zA-Z]{2}")
LOOK_BACK = 48
"""Characters before a phrase in which its negation is looked for."""


class Sign(NamedTuple):
    kind: str
    """``suicide``, ``self_harm``, ``violence`` or ``harm_to_others``: a key of ``assets/signs_of_risk.json``."""
    text: str
    """As it was written."""
    start: int
    """Where it stands, in characters."""


class _Language(NamedTuple):
    signs: dict[str, re.Pattern[str]]
    idioms: re.Pattern[str]
    negated: re.Pattern[str]
    """The end of a clause that negates what follows; empty ``doubled`` group unless that is negated."""


def signs_of(text: str) -> list[Sign]:
    """The signs of risk in ``text``, in order; none where a phrase is negated (没想过自杀) or an idiom (想死你了)."""
    straight = text.replace("’", "'")
    languages = _languages() if LETTERS.search(straight) else _languages()[:1]
    if not any(pattern.search(straight) for language in languages for pattern in language.signs.values()):
        return []
    plain = straight
    for language in languages:
        plain = language.idioms.sub(lambda found: "\0" * len(found[0]), plain)
    found = [
        Sign(kind, text[match.start() : match.end()], match.start())
        for language in languages
        for kind, pattern in language.signs.items()
        for match in pattern.finditer(plain)
        if not _is_negated(plain[max(0, match.start() - LOOK_BACK) : match.start()])
    ]
    return sorted(found, key=lambda sign: sign.start)


def _is_negated(before: str) -> bool:
    clause = CLAUSE_END.split(before)[-1]
    found = (language.negated.search(clause) for language in _languages())
    return any(match is not None and not match["doubled"] for match in found)


@cache
def _languages() -> tuple[_Language, _Language]:
    """Chinese and English, of ``assets/signs_of_risk.json``; English ones match whole words, beside Chinese too."""
    given = json.loads(SIGNS_OF_RISK.read_text(encoding="utf-8"))

    def chinese(patterns: list[str]) -> re.Pattern[str]:
        return re.compile(_any(patterns))

    def english(patterns: list[str]) -> re.Pattern[str]:
        return re.compile(f"(?<![a-z]){_any(patterns)}(?![a-z])", re.IGNORECASE)

    zh, en = ({part: _any(of) for part, of in given["negations"][name].items()} for name in ("zh", "en"))
    doubled = rf"(?P<doubled>(?:{en['doubled']}\s+)?)"
    return (
        _Language(
            {kind: chinese(of["zh"]) for kind, of in given["signs"].items()},
            chinese(given["idioms"]["zh"]),
            re.compile(f"(?P<doubled>{zh['doubled']}?){zh['words']}{zh['between']}*$"),
        ),
        _Language(
            {kind: english(of["en"]) for kind, of in given["signs"].items()},
            english(given["idioms"]["en"]),
            re.compile(rf"{doubled}(?<![a-z']){en['words']}\s+(?:{en['between']}\s+)*$", re.IGNORECASE),
        ),
    )


def _any(patterns: list[str]) -> str:
    return f"(?:{'|'.join(patterns)})"
