"""Whether an answer has the form that its instruction asked for: one function a form, named in the probe's data.

Instructions whose keeping a program can tell are Zhou et al. 2023 (IFEval, arXiv:2311.07911); the texts are our own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mentalft.records import Response

BULLET = re.compile(r"\s*(?:[-*•·]|\d+[.)、．])\s*\S")
FENCE = re.compile(r"\A```\w*\n(.*)\n```\Z", re.DOTALL)
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def json_keys(text: str, keys: Sequence[str]) -> bool:
    """A JSON object with exactly these keys, perhaps in a code fence, and nothing around it."""
    fenced = FENCE.match(text)
    try:
        found = json.loads(fenced[1] if fenced else text)
    except (json.JSONDecodeError, RecursionError):
        return False
    return isinstance(found, dict) and found.keys() == set(keys)


def items(text: str, count: int) -> bool:
    """So many items of a list, bulleted or numbered, and nothing else."""
    lines = _lines(text)
    return len(lines) == count and all(map(BULLET.match, lines))


def lines(text: str, count: int) -> bool:
    return len(_lines(text)) == count


def lower_case(text: str) -> bool:
    return text.islower()


def upper_case(text: str) -> bool:
    return text.isupper()


def includes(text: str, words: Sequence[str]) -> bool:
    return all(word.casefold() in text.casefold() for word in words)


def excludes(text: str, words: Sequence[str]) -> bool:
    return not any(word.casefold() in text.casefold() for word in words)


def begins_with(text: str, beginning: str) -> bool:
    return text.startswith(beginning)


def ends_with(text: str, ending: str) -> bool:
    return text.rstrip().endswith(ending)


def at_most(text: str, characters: int) -> bool:
    return len(text) <= characters


def chinese(text: str) -> bool:
    """Chinese, without a letter or figure of the ASCII range."""
    return bool(CHINESE.search(text)) and not re.search("[A-Za-z0-9]", text)


def number(text: str, value: float) -> bool:
    """The last number of the answer is the right one, as graders of GSM8K take it (arXiv:2110.14168)."""
    found = NUMBER.findall(text)
    return bool(found) and float(found[-1].replace(",", "")) == value


FORMS: Mapping[str, Callable[..., bool]] = {
    form.__name__: form
    for form in (
        json_keys, items, lines, lower_case, upper_case, includes, excludes, begins_with, ends_with, at_most, chinese,
        number,
    )
}  # fmt: skip
STOPS = "stops"
"""The form of an answer that says something and ends of itself within so many tokens."""


def is_right(answer: Response, form: str, given: Mapping[str, Any]) -> bool:
    """Whether ``answer`` has the form; an empty one, and one that was cut, has none."""
    text = answer.text.strip()
    if not text or answer.finish_reason != "stop":
        return False
    return answer.tokens <= given["tokens"] if form == STOPS else FORMS[form](text, **given)


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]
