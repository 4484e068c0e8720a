"""What raters preferred as preference pairs, in the form that TRL's DPOTrainer reads."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from mentalft.errors import DataError
from mentalft.files import write_jsonl
from mentalft.review.answers import given
from mentalft.runs.files import COMPARISON


class Written(NamedTuple):
    pairs: int
    undecided: int
    """Pairs without a majority, which are left out."""


def write_pairs(run_dir: Path, path: Path) -> Written:
    """Write one JSON object a line: ``prompt``, ``chosen`` and ``rejected``, each a list of messages.

    A pair is that of two answers of which more raters chose the one than the other.

    Raises:
        DataError: ``path`` exists, or no rater preferred anything.
    """
    if path.exists():
        raise DataError(f"{path} exists, and nothing is written over it; name another file")
    baseline = COMPARISON.load(run_dir).baseline
    found = given(run_dir, baseline)
    leaning: dict[tuple[str, str], float] = defaultdict(float)
    for opinion in found.opinions:
        if opinion.kind == "pair" and opinion.choice is not None:
            leaning[opinion.item, opinion.contender] += opinion.choice - 0.5
    rows = []
    for (item_id, contender), lean in leaning.items():
        if lean:
            item = found.items[item_id]
            better, worse = (contender, baseline) if lean > 0 else (baseline, contender)
            rows.append(
                {
                    "prompt": [{"role": turn.role, "content": turn.content} for turn in item.history],
                    "chosen": [{"role": "assistant", "content": item.answers[better]}],
                    "rejected": [{"role": "assistant", "content": item.answers[worse]}],
                }
            )
    if not rows:
        raise DataError(f"{run_dir}: raters preferred no answer to another, so there are no pairs to write")
    return Written(write_jsonl(path, rows), len(leaning) - len(rows))
