"""The items of ``report.html`` as JSON that stands in a ``<script>`` element and is shown as text alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from mentalft.records import Comparison, Flag, ItemRow
from mentalft.show.comparison import check_name, places_of
from mentalft.words import Language, contender, labels, told

IN_SCRIPT = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})
"""What could end the element or a line of it; as escapes they are the same JSON."""


def items_json(items: Iterable[ItemRow], comparison: Comparison, language: Language) -> str:
    """Everything that the page's script shows.

    Texts are pooled, each once: the turns of a dialogue share their history, and a reference is history to the next.

    Returns:
        JSON of ``{words, contenders, checks, metrics, roles, texts, items}``. An item's ``history`` is a list of
        ``[role, text]``, both places in ``roles`` and ``texts``; ``references`` and ``answers`` are places in
        ``texts``; ``answers``, ``flags`` and ``scores`` hold the contenders, the baseline first, scores in the order of
        ``metrics`` (null where an item has none).
    """
    texts, roles = _Pool(), _Pool()
    sides = list(places_of(comparison))
    rows = [_row(item, sides, [m.metric for m in comparison.metrics], texts, roles, language) for item in items]
    checks = {check for rates in comparison.checks.values() for check in rates}
    checks |= {check for row in rows for flags in row["flags"] for check, _ in flags}
    found = {
        "words": labels("report", language),
        "contenders": [told(contender(name), language) for name in sides],
        "checks": {check: told(check_name(check), language) for check in sorted(checks)},
        "metrics": [{"title": m.title, "higher": m.higher_is_better} for m in comparison.metrics],
        "roles": list(roles.places),
        "texts": list(texts.places),
        "items": rows,
    }
    return orjson.dumps(found).decode().translate(IN_SCRIPT)


class _Pool:
    def __init__(self) -> None:
        self.places: dict[str, int] = {}

    def place(self, text: str) -> int:
        return self.places.setdefault(text, len(self.places))


def _row(
    item: ItemRow, sides: Sequence[str], metrics: Sequence[str], texts: _Pool, roles: _Pool, language: Language
) -> dict[str, Any]:
    def told_of(flags: Iterable[Flag]) -> list[tuple[str, str]]:
        return [(flag.check, told(flag.evidence, language)) for flag in flags]

    return {
        "id": item.id,
        "topic": item.topic,
        "history": [[roles.place(m.role), texts.place(m.content)] for m in item.history],
        "references": [texts.place(text) for text in item.references],
        "answers": [texts.place(item.answers[side]) for side in sides],
        "flags": [told_of(item.flags.get(side, ())) for side in sides],
        "scores": [[item.scores[side].get(name) for name in metrics] for side in sides],
    }
