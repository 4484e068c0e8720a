"""A blind review, given out: which pairs are shown, in which order, to whom; the key of it, and a page a rater.

Who sees what is drawn from the seed and from what the run holds, so that it can be drawn again, and not by somebody who
has a page alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import NamedTuple

import msgspec

from mentalft.errors import DataError
from mentalft.files import sha256_json, write_text
from mentalft.judging.rubric import Rubric
from mentalft.records import NO_TOPIC, PRIMARY, Comparison, ItemRow
from mentalft.review.page import review_html
from mentalft.review.records import BROKEN, FOLDER, GENUINE, Key, Kind, Question, Sampled, key_file
from mentalft.runs.files import ITEMS
from mentalft.runs.loading import read_run
from mentalft.safety.signs import signs_of
from mentalft.show.verdict import TUNED
from mentalft.words import Language

GUESSES = 12
"""Pairs of which a rater is asked at the end which is of the tuned model."""


class Asked(NamedTuple):
    """What is wanted of an export."""

    items: int
    """Pairs a page."""
    raters: int
    repeat: int
    """Percent of the pairs that are shown twice."""
    rubric: Rubric
    seed: int | None
    """None takes that of the comparison."""


class Exported(NamedTuple):
    key: Key
    pages: list[Path]


class _Pair(NamedTuple):
    contender: str
    item: ItemRow
    difference: float

    @property
    def order(self) -> tuple[str, float, str]:
        return self.item.topic or "", self.difference, self.item.id


def export(run_dir: Path, asked: Asked, language: Language) -> Exported:
    """Write ``review/EXPORT/key.json`` and ``pages/RATER.html`` into the run; the same again for the same wishes.

    Args:
        language: that a page opens in; it can be changed there.

    Raises:
        DataError: the run has no two contenders, or no two different answers of theirs.
    """
    run = read_run(run_dir)
    comparison, items = run.comparison, ITEMS.load(run_dir)
    if not comparison.others:
        raise DataError(
            f"{run_dir} has one contender, {comparison.baseline}; a blind review needs two to choose between"
        )
    seed = comparison.seed if asked.seed is None else asked.seed
    wishes = [*asked[:3], seed, msgspec.to_builtins(asked.rubric), comparison.baseline, list(comparison.others)]
    secret = sha256_json([wishes, [msgspec.to_builtins(item) for item in items]])
    pairs, identical = _pairs(comparison, items)
    if not pairs:
        raise DataError(f"{run_dir}: every answer is equal to the baseline's; there is nothing to choose between")
    taken = spread(pairs, asked.items, Random(f"{secret} sample"))
    shown = {pair.item.id: pair.item for pair in taken}
    watched = _attention(items, shown, Random(f"{secret} attention"))
    tuned = TUNED if any(TUNED in (comparison.baseline, pair.contender) for pair in taken) else None
    pages = {
        f"r{number}": _page(taken, watched, comparison.baseline, tuned, asked.repeat, f"{secret} {number}")
        for number in range(1, asked.raters + 1)
    }
    key = Key(
        export="",
        digest="",
        baseline=comparison.baseline,
        contenders=comparison.others,
        tuned=tuned,
        rubric=asked.rubric,
        seed=seed,
        sampled=Sampled(
            _primary(comparison),
            len(pairs),
            identical,
            dict(Counter(pair.item.topic or NO_TOPIC for pair in taken).most_common()),
        ),
        pages=pages,
    )
    key = replace(key, digest=digest_of(items, key.items, (key.baseline, *key.contenders)))
    key = replace(key, export=sha256_json(msgspec.to_builtins(key))[:8])
    key_file(key.export).save(run_dir, key)
    by_id = {item.id: item for item in items}
    paths = []
    for rater in pages:
        paths.append(run_dir / FOLDER / key.export / "pages" / f"{rater}.html")
        write_text(paths[-1], review_html(key, rater, by_id, language))
    return Exported(key, paths)


def digest_of(items: Sequence[ItemRow], shown: frozenset[str], contenders: Sequence[str]) -> str:
    """Of histories and answers of those of ``items`` that are ``shown``; others, and other contenders, may change."""
    found = [(i.id, i.history, [i.answers.get(name) for name in contenders]) for i in items if i.id in shown]
    return sha256_json(msgspec.to_builtins(found))[:16]


def spread(pairs: Sequence[_Pair], wanted: int, draw: Random) -> list[_Pair]:
    """A systematic sample of each contender: every n-th in the order of topic and difference, from a drawn beginning.

    Every pair of a contender has the same chance, so that a share among those taken is one of all; topics have their
    shares, and large and small differences are among them (Cochran 1977, "Sampling Techniques", 3rd ed., ch. 8). The
    beginnings are apart, so that contenders are shown with other items where there are enough.
    """
    names, begin, taken = list(dict.fromkeys(pair.contender for pair in pairs)), draw.random(), []
    for place, name in enumerate(names):
        ordered = sorted((pair for pair in pairs if pair.contender == name), key=lambda pair: pair.order)
        share = min(wanted // len(names) + (place < wanted % len(names)), len(ordered))
        start = (begin + place / len(names)) % 1
        taken += [ordered[int((start + step) * len(ordered) / share)] for step in range(share)]
    return taken


def _primary(comparison: Comparison) -> str:
    return next((m.metric for m in comparison.metrics if m.role == PRIMARY), comparison.metrics[0].metric)


def _pairs(comparison: Comparison, items: Sequence[ItemRow]) -> tuple[list[_Pair], int]:
    """Every pair of different answers, and how many are equal."""
    metric = _primary(comparison)
    found = [
        _Pair(name, item, item.scores[name].get(metric, 0.0) - item.scores[comparison.baseline].get(metric, 0.0))
        for name in comparison.others
        for item in items
    ]
    differ = [p for p in found if p.item.answers[p.contender].strip() != p.item.answers[comparison.baseline].strip()]
    return differ, len(found) - len(differ)


def _attention(items: Sequence[ItemRow], shown: dict[str, ItemRow], draw: Random) -> str | None:
    """An item whose reference is shown against an answer that is none: a quiet one, of no other pair if it can be."""
    quiet = [
        item for item in items if any(item.references) and not any(signs_of(turn.content) for turn in item.history)
    ]
    others = [item for item in quiet if item.id not in shown]
    return draw.choice(others or quiet).id if quiet else None


def _page(
    taken: Sequence[_Pair], watched: str | None, baseline: str, tuned: str | None, repeat: int, secret: str
) -> tuple[Question, ...]:
    """The questions of one rater: pairs, with repeats in the last third and the attention pair in the middle one, and
    guesses when all choices are made."""
    draw, ids = Random(secret), Random(f"{secret} ids")  # ids of their own draw, from which nothing else follows

    def question(kind: Kind, item: str, sides: Sequence[str]) -> Question:
        return Question(f"{ids.getrandbits(40):010x}", kind, item, (sides[0], sides[1]))

    first = [place % 2 == 0 for place in range(len(taken))]
    draw.shuffle(first)
    pairs = [
        question("pair", pair.item.id, (baseline, pair.contender)[:: 1 if is_first else -1])
        for pair, is_first in zip(taken, first, strict=True)
    ]
    draw.shuffle(pairs)
    again = draw.sample(pairs[: -(-len(pairs) // 2)], min(-(-len(pairs) * repeat // 100), len(pairs) // 2))
    late = pairs[2 * len(pairs) // 3 :] + [question("repeat", q.item, q.sides[::-1]) for q in again]
    draw.shuffle(late)
    page = pairs[: 2 * len(pairs) // 3] + late
    if watched is not None:
        sides = draw.sample((GENUINE, BROKEN), 2)
        page.insert(draw.randint(len(page) // 3, 2 * len(page) // 3), question("attention", watched, sides))
    telling = [pair for pair in taken if tuned in (baseline, pair.contender)]
    for pair in draw.sample(telling, min(GUESSES, len(telling))):
        page.append(question("guess", pair.item.id, draw.sample((baseline, pair.contender), 2)))
    return tuple(page)
