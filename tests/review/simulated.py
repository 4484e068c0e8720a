"""Runs to be reviewed and raters to review them, of whom everything is known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mentalft.judging.rubric import load_rubric
from mentalft.records import ItemRow, Turn
from mentalft.review.answers import checksum
from mentalft.review.export import Asked
from mentalft.review.records import Key
from mentalft.runs.files import COMPARISON, ITEMS
from tests.show.compared import BLEU, changed
from tests.show.compared import COMPARISON as TEMPLATE

TOPICS = ("睡眠", "学业", None)
REFERENCE = "听起来你这阵子很累，我们慢慢说。"


def write_run(
    run_dir: Path, items: int, others: Sequence[str] = ("tuned",), *, turns: int = 1, resamples: int = 400,
    gains: Sequence[float] = (),
) -> Path:  # fmt: skip
    """A run whose BLEU gains ``gains`` item by item; METEOR gains at random.

    Args:
        turns: items a dialogue.
    """
    rng = np.random.default_rng(1)
    names = ("base", *others)
    rows = [
        ItemRow(
            id=f"{n}#1", dialogue_id=str(n // turns), topic=TOPICS[n % 3], history=(Turn("user", f"第{n}晚又睡不着"),),
            references=(REFERENCE,), answers={name: f"回答{n}来自第{place}个" for place, name in enumerate(names)},
            flags=dict.fromkeys(names, ()),
            scores={
                name: {"bleu": 0.5 + (gains[n] if gains else n / items) * (place > 0), "meteor": float(rng.random())}
                for place, name in enumerate(names)
            },
        )
        for n in range(items)
    ]  # fmt: skip
    ITEMS.save(run_dir, rows)
    metrics = (BLEU, changed(BLEU, metric="meteor", title="METEOR", role="secondary"))
    COMPARISON.save(run_dir, replace(TEMPLATE, contenders=names, metrics=metrics, resamples=resamples))
    return run_dir


def asked(items: int, raters: int = 3, repeat: int = 10, rubric: str = "overall", seed: int | None = None) -> Asked:
    return Asked(items, raters, repeat, load_rubric(rubric, "--rubric"), seed)


class Rater(NamedTuple):
    """Chooses the contender, neither or the baseline as ``wins`` says.

    What a pair deserves is drawn once by ``wins``; a rater goes by it with chance ``follows``, else by a draw of his own
    by ``wins``; shown a pair again, he keeps to what he thought with chance ``keeps``. Before all that he says the first
    answer with chance ``first``, without reading.
    """

    wins: tuple[float, float, float] = (0.5, 0.2, 0.3)
    follows: float = 0.7
    keeps: float = 0.8
    first: float = 0.0
    tells: float = 0.5
    """Chance that he tells the tuned one."""
    attends: bool = True

    @property
    def shown(self) -> np.ndarray:
        """The shares of contender, neither and baseline that are seen of him, sides being balanced."""
        return (1 - self.first) * np.array(self.wins) + self.first * np.array([0.5, 0, 0.5])

    @property
    def win_rate(self) -> float:
        return float(self.shown @ [1, 0.5, 0])

    @property
    def kappa(self) -> float:
        """Of two of him who see sides that are drawn for each (Cohen's; Krippendorff's nominal α is the same)."""
        wins, read, blind = np.array(self.wins), 1 - self.first, np.array([0.5, 0, 0.5])
        alike = self.follows**2 + (1 - self.follows**2) * wins @ wins
        same = read**2 * alike + 2 * read * self.first * wins @ blind + self.first**2 * blind @ blind
        chance = self.shown @ self.shown
        return float((same - chance) / (1 - chance))

    @property
    def first_share(self) -> float:
        """Of choices that are no tie."""
        decided = self.first + (1 - self.first) * (1 - self.wins[1])
        return (self.first + (1 - self.first) * (1 - self.wins[1]) / 2) / decided

    @property
    def same_again(self) -> float:
        """Where ``first`` is 0."""
        return float(self.keeps + (1 - self.keeps) * np.array(self.wins) @ self.wins)


def deserved(key: Key, rater: Rater, rng: np.random.Generator) -> dict[tuple[str, str], int]:
    """What each pair deserves: 0 the contender, 1 neither, 2 the baseline."""
    pairs = sorted({(q.item, *_others(q.sides, key)) for page in key.pages.values() for q in page if q.kind == "pair"})
    return dict(zip(pairs, rng.choice(3, size=len(pairs), p=rater.wins).tolist(), strict=True))


def _others(sides: tuple[str, str], key: Key) -> list[str]:
    return [side for side in sides if side != key.baseline]


def page_saved(
    key: Key, name: str, rater: Rater, truth: dict[tuple[str, str], int], rng: np.random.Generator, **more: Any
) -> dict[str, Any]:
    """What the page of ``name`` saves when ``rater`` has filled it in; ``more`` takes the place of what is in it."""
    thought: dict[tuple[str, str], int] = {}
    answers = []
    for question in key.pages[name]:
        sides = question.sides
        pair = (question.item, *_others(sides, key)) if question.kind != "attention" else ("", "")
        if question.kind == "attention":
            choice = "first" if (sides[0] == "genuine") == rater.attends else "second"
        elif question.kind == "guess":
            choice = "first" if (sides[0] == key.tuned) == (rng.random() < rater.tells) else "second"
        elif rng.random() < rater.first:
            choice = "first"
        else:
            if question.kind == "repeat" and pair in thought and rng.random() < rater.keeps:
                found = thought[pair]
            elif question.kind == "pair" and rng.random() < rater.follows:
                found = truth[pair]
            else:
                found = int(rng.choice(3, p=rater.wins))
            if question.kind == "pair":
                thought[pair] = found
            choice = "tie" if found == 1 else "first" if (sides[0] == pair[1]) == (found == 0) else "second"
        answers.append({"id": question.id, "choice": choice, "skipped": False})
    return {
        "export": key.export, "rater": name, "saved": "2026-11-28T10:00:00.000Z", "answers": answers,
        "checksum": checksum(answers), **more,
    }  # fmt: skip


def write_saved(folder: Path, key: Key, raters: dict[str, Rater], seed: int = 0) -> list[Path]:
    """A file for each of ``raters``, who share what pairs deserve."""
    rng = np.random.default_rng(seed)
    truth = deserved(key, next(iter(raters.values())), rng)
    paths = []
    for name, rater in raters.items():
        paths.append(folder / f"review-{key.export}-{name}.json")
        paths[-1].write_text(json.dumps(page_saved(key, name, rater, truth, rng), ensure_ascii=False), encoding="utf-8")
    return paths
