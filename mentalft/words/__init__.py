"""One catalogue of what mentalft says, in English and Chinese.

What is said is kept as a key and values (:class:`Said`), and put into a language when it is shown. The catalogue is
``catalogue/*.json``: key → ``{"en": …, "zh": …}``, templates of :meth:`str.format`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Literal

Language = Literal["en", "zh"]
BETWEEN = {"en": ", ", "zh": "、"}
"""What stands between the members of a list."""


@dataclass(frozen=True)
class Said:
    """A sentence to be shown: its key in the catalogue, and the values of its template.

    A value is text, a number, another :class:`Said`, a list of these, or text by language.
    """

    key: str
    values: dict[str, Any] = field(default_factory=dict)


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Key → language → template; every file of the catalogue in one."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted((resources.files("mentalft.words") / "catalogue").iterdir(), key=lambda p: p.name):
        found |= json.loads(path.read_text(encoding="utf-8"))
    return found


def labels(room: str, language: Language) -> dict[str, str]:
    """The templates of one room, by their name within it: ``labels("report", "zh")["result"]``."""
    return {key.partition(".")[2]: entry[language] for key, entry in catalogue().items() if key.startswith(f"{room}.")}


def contender(name: str) -> Said | str:
    """What a contender is called: ``base`` and ``tuned`` in the reader's language, any other name as it is."""
    return Said(f"side.{name}") if f"side.{name}" in catalogue() else name


def listed(members: Sequence[Any]) -> Any:
    """``members`` as one value: ``a``, ``a and b``, ``a, b and c``."""
    if len(members) < 2:
        return members[0] if members else ""
    return Said("list.and", {"before": [*members[:-1]], "last": members[-1]})


def told(said: Said | Mapping[str, Any] | str, language: Language = "en") -> str:
    """``said`` in ``language``; plain text as it is.

    Args:
        said: a mapping of ``key`` and ``values`` is a :class:`Said` that was read from JSON.

    Raises:
        KeyError: the catalogue has no such key, or a value of its template is missing.
    """
    if isinstance(said, str):
        return said
    key, values = (said.key, said.values) if isinstance(said, Said) else (said["key"], said["values"])
    return catalogue()[key][language].format(**{name: _value(value, language) for name, value in values.items()})


def _value(value: Any, language: Language) -> Any:
    if isinstance(value, list | tuple):
        return BETWEEN[language].join(str(_value(member, language)) for member in value)
    if isinstance(value, Said) or (isinstance(value, Mapping) and value.keys() == {"key", "values"}):
        return told(value, language)
    if isinstance(value, Mapping) and value.keys() == {"en", "zh"}:
        return value[language]
    return value
