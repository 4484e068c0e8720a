"""The items of ``report.html`` as JSON that stands in a ``<script>`` element and is shown as text alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson

from mentalft.records import SIDES, MetricComparison

IN_SCRIPT = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})
"""What could end the element or a line of it; as escapes they are the same JSON."""


def items_json(
    items: Iterable[Mapping[str, Any]],
    metrics: Sequence[MetricComparison],
    titles: Mapping[str, str],
    words: Mapping[str, str],
    reason: Callable[[str], str] = str,
) -> str:
    """Everything that the page's script shows.

    Texts are pooled, each once: the turns of a dialogue share their history, and a reference is history to the next.

    Args:
        reason: what a flag's evidence is called on the page.

    Returns:
        JSON of ``{words, metrics, roles, texts, items}``. An item's ``history`` is a list of ``[role, text]``, both
        places in ``roles`` and ``texts``; ``references`` and ``answers`` are places in ``texts``; ``flags`` and
        ``scores`` hold base and tuned, scores in the order of ``metrics`` (null where an item has none).
    """
    texts, roles = _Pool(), _Pool()
    rows = [_row(item, [m.metric for m in metrics], texts, roles, reason) for item in items]
    found = {
        "words": words,
        "metrics": [{"title": titles[m.metric], "higher": m.higher_is_better} for m in metrics],
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
    item: Mapping[str, Any], metrics: Sequence[str], texts: _Pool, roles: _Pool, reason: Callable[[str], str]
) -> dict[str, Any]:
    return {
        "id": item["id"],
        "topic": item["topic"],
        "history": [[roles.place(m["role"]), texts.place(m["content"])] for m in item["history"]],
        "references": [texts.place(text) for text in item["references"]],
        "answers": [texts.place(item["answers"][side]) for side in SIDES],
        "flags": [[[flag["check"], reason(flag["evidence"])] for flag in item["flags"][side]] for side in SIDES],
        "scores": [[item["scores"][side].get(name) for name in metrics] for side in SIDES],
    }
