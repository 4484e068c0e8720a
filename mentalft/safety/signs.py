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
LOOK_BACK = 48
"""Characters before a phrase in which its negation is looked for."""


class Sign(NamedTuple):
    kind: str
    """``suicide``, ``self_harm``, ``violence`` or ``harm_to_others``: a key of ``assets/signs_of_risk.json``."""
    text: str
    """As it was written."""
    start: int
    """Where it stands, in characters."""


class _Patterns(NamedTuple):
    signs: dict[str, re.Pattern[str]]
    idioms: re.Pattern[str]
    negated: tuple[re.Pattern[str], ...]
    """By language: the end of a clause that negates what follows; empty ``doubled`` group unless that is negated."""


def signs_of(text: str) -> list[Sign]:
    """The signs of risk in ``text``, in order; none where a phrase is negated (没想过自杀) or an idiom (想死你了)."""
    patterns = _patterns()
    straight = text.replace("’", "'")
    plain = patterns.idioms.sub(lambda found: "\0" * len(found[0]), straight)
    found = [
        Sign(kind, text[match.start() : match.end()], match.start())
        for kind, pattern in patterns.signs.items()
        for match in pattern.finditer(plain)
        if not _is_negated(plain[max(0, match.start() - LOOK_BACK) : match.start()])
    ]
    return sorted(found, key=lambda sign: sign.start)


def _is_negated(before: str) -> bool:
    clause = CLAUSE_END.split(before)[-1]
    found = (pattern.search(clause) for pattern in _patterns().negated)
    return any(match is not None and not match["doubled"] for match in found)


@cache
def _patterns() -> _Patterns:
    """The patterns of ``assets/signs_of_risk.json``; English ones match whole words, beside Chinese characters too."""
    given = json.loads(SIGNS_OF_RISK.read_text(encoding="utf-8"))

    def either(of: dict[str, list[str]]) -> re.Pattern[str]:
        return re.compile(f"{_any(of['zh'])}|(?<![a-z]){_any(of['en'])}(?![a-z])", re.IGNORECASE)

    zh, en = ({part: _any(of) for part, of in given["negations"][name].items()} for name in ("zh", "en"))
    return _Patterns(
        {kind: either(of) for kind, of in given["signs"].items()},
        either(given["idioms"]),
        (
            re.compile(f"(?P<doubled>{zh['doubled']}?){zh['words']}{zh['between']}*$"),
            re.compile(
                rf"(?P<doubled>(?:{en['doubled']}\s+)?)(?<![a-z']){en['words']}\s+(?:{en['between']}\s+)*$", re.I
            ),
        ),
    )


def _any(patterns: list[str]) -> str:
    return f"(?:{'|'.join(patterns)})"
