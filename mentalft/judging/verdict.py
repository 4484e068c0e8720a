"""A judge's reply, read: JSON first, then words that state the choice; anything else is not read, and never guessed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mentalft.judging.record import TIE, Read
from mentalft.judging.rubric import Rubric

A, B = "A", "B"
_TIES = "tie|draw|equal|neither|both|平局|平手|打平|持平|相当|一样|不分上下|不分伯仲"
_NOT_ONE = r"""(?!["'”]?\s*(?:\||/|&|,|、|or|and|或|和|与|跟)\s*["'“]?(?:[AB]|tie))"""
"""After a side: it is not the first of several, as where the form of the reply is repeated."""
_WORD = r"(?:(?:answer|response|option|回答|选项)\s*)?"
_CHOICE = rf"{_WORD}(?:(?:a\s+)?(?P<tie>{_TIES})|(?P<side>[AB])(?!\s+(?:tie|draw)){_NOT_ONE})"
_ALONE = re.compile(rf"[\s\"'“”*\[（(]*{_CHOICE}[\s\"'“”*\]）).。!！]*", re.IGNORECASE)
"""A choice and nothing else."""
_STATED = re.compile(
    rf"""(?:^|[\s{{,*#])["'*]*(?:choice|verdict|winner|选择|结论|判断|更好的回答)["'*]*\s*(?:is|是|为)?\s*[:：=][\s"'*\[]*{_CHOICE}(?![A-Za-z])
    |\[\[\s*(?:(?P<marked>[AB])|(?P<marked_tie>{_TIES}|C))\s*\]\]""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
"""A choice that is stated as one, in a text."""


class Reply(NamedTuple):
    choice: str | None
    """``A``, ``B``, ``tie``, or None where it cannot be read."""
    ratings: dict[str, dict[str, int]]
    """``A`` and ``B`` → dimension → level; what is not on its scale is left out."""
    read_as: Read


def read_reply(text: str, rubric: Rubric) -> Reply:
    """What a reply says.

    A JSON object with a ``choice`` counts. Where there is none, words such as ``choice: A``, ``选择：平局`` or
    ``[[B]]`` do, and there are no ratings then. Where several choices are stated that differ, none is.
    """
    found = [one for one in _objects(text) if "choice" in one]
    alone = choice_of(text)
    if found:
        stated = {choice_of(one["choice"]) for one in found}
    else:
        stated = {alone} if alone else {_named(match) for match in _STATED.finditer(text)}
    choice = stated.pop() if len(stated) == 1 else None
    if choice is None:
        return Reply(None, {}, "none")
    return Reply(choice, _ratings(found[-1].get("ratings"), rubric), "json") if found else Reply(choice, {}, "words")


def reason_of(text: str) -> str:
    """The reason that a reply gives; the whole of it where that is not apart."""
    reasons = [str(one["reason"]) for one in _objects(text) if one.get("reason")]
    return reasons[-1] if reasons else text


def choice_of(given: object) -> str | None:
    """``A``, ``B`` or ``tie``, where that is what ``given`` is."""
    match = _ALONE.fullmatch(given) if isinstance(given, str) else None
    return _named(match) if match else None


def _named(match: re.Match[str]) -> str:
    found = match.groupdict()
    side = found["side"] or found.get("marked")
    return side.upper() if side else TIE


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Every JSON object in ``text`` that is not within another one."""
    decoder, at = json.JSONDecoder(), text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
            yield value
        except (ValueError, RecursionError):  # no JSON, or a number of too many digits
            end = at + 1
        at = text.find("{", end)


def _ratings(given: object, rubric: Rubric) -> dict[str, dict[str, int]]:
    sides = given if isinstance(given, Mapping) else {}
    found: dict[str, dict[str, int]] = {A: {}, B: {}}
    for side, levels in found.items():
        of_side = sides.get(side, sides.get(side.lower()))
        for dimension in rubric.dimensions if isinstance(of_side, Mapping) else ():
            level = _level(of_side.get(dimension.name))
            if level in dimension.levels:
                levels[dimension.name] = level
    return found


def _level(given: object) -> int | None:
    if isinstance(given, str) and re.fullmatch(r"\s*-?\d{1,9}\s*", given):
        return int(given)
    if isinstance(given, bool) or not isinstance(given, int | float) or given != given // 1:
        return None
    return int(given)
