"""Where two readings of the same JSON differ, path by path, numbers but for rounding."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from mentalft.files import read_json, read_jsonl
from mentalft.words import Said

TOLERANCE = 1e-9
"""Absolute and relative: sums of floats may come out in another order."""
SHOWN = 60
"""Characters of a value."""
MOST = 25
"""Differences of one file that are named."""


class Difference(NamedTuple):
    path: str
    then: Any
    now: Any

    def in_words(self) -> Said:
        return Said("verify.is", {"path": self.path, "then": _short(self.then), "now": _short(self.now)})


ABSENT = Said("verify.not_there")
"""Stands for a value that one of the two does not have."""


def differences(then: Any, now: Any, path: str = "") -> Iterator[Difference]:
    """Every place where ``then`` and ``now`` differ; keys of mappings and numbers of lists make the path."""
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        for key in [*then, *(key for key in now if key not in then)]:
            yield from differences(then.get(key, ABSENT), now.get(key, ABSENT), f"{path}.{key}".lstrip("."))
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for place, (one, other) in enumerate(zip(then, now, strict=True)):
            yield from differences(one, other, f"{path}[{place}]")
    elif not _equal(then, now):
        yield Difference(path, then, now)


def row_differences(then: Iterable[Mapping[str, Any]], now: Iterable[Mapping[str, Any]]) -> Iterator[Said]:
    """Differences of rows with an ``id``, the same path in many rows in one sentence."""
    before, after = ({row["id"]: row for row in rows} for rows in (then, now))
    if missing := [name for name in after if name not in before]:
        yield Said("verify.items_missing", {"count": len(missing), "first": missing[0]})
    if surplus := [name for name in before if name not in after]:
        yield Said("verify.items_surplus", {"count": len(surplus), "first": surplus[0]})
    found: dict[str, list[tuple[str, Difference]]] = {}
    for name in before:
        for difference in differences(before[name], after.get(name, before[name])):
            found.setdefault(difference.path.partition("[")[0], []).append((name, difference))
    for path, places in found.items():
        first, difference = places[0]
        items = {"some": len({name for name, _ in places}), "all": len(before)}
        yield Said("verify.of_items", {"path": path, **items, "first": first, "how": difference.in_words()})


def result_differences(then: Path, now: Path, *, notes: bool = True) -> Iterator[Said]:
    """What differs between two files that the compare stage wrote, a sentence each, metrics by their names.

    Args:
        notes: whether what the comparison says of how scores came about is looked at.
    """
    if not then.is_file():
        yield Said("verify.gone")
    elif then.suffix == ".jsonl":
        yield from _few(row_differences(read_jsonl(then), read_jsonl(now)))
    else:
        before, after = (_by_metric(read_json(path), notes=notes) for path in (then, now))
        yield from _few(_by_place(differences(before, after)))


def in_words(found: Iterable[Difference]) -> Iterator[Said]:
    """The first differences, and how many more there are."""
    yield from _few(difference.in_words() for difference in found)


def _by_metric(found: dict[str, Any], *, notes: bool) -> dict[str, Any]:
    rows = found["metrics"]
    named = {row["metric"]: row for row in rows} if isinstance(rows, list) else rows
    return {key: value for key, value in found.items() if notes or key != "notes"} | {"metrics": named}


def _by_place(found: Iterable[Difference]) -> Iterator[Said]:
    """One sentence a metric, and one for each other part of the file."""
    places: dict[str, list[Difference]] = {}
    for difference in found:
        parts = difference.path.split(".")
        place = ".".join(parts[: 2 if parts[0] == "metrics" else 1]).partition("[")[0]
        places.setdefault(place, []).append(difference)
    for place, members in places.items():
        first, more = members[0].in_words(), len(members) - 1
        yield Said("verify.and_more_of", {"first": first, "more": more, "place": place}) if more else first


def _few(sentences: Iterator[Said]) -> Iterator[Said]:
    yield from islice(sentences, MOST)
    if more := sum(1 for _ in sentences):
        yield Said("verify.more", {"count": more})


def _equal(then: Any, now: Any) -> bool:
    numbers = (int, float)
    if isinstance(then, numbers) and isinstance(now, numbers) and bool not in (type(then), type(now)):
        return math.isclose(then, now, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return type(then) is type(now) and bool(then == now)


def _short(value: Any) -> Said | str:
    if isinstance(value, Said):
        return value
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
