"""What scores are added up from survives its file, and another file is refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mentalft.comparison.scores import ScoreSheet, read_scores, write_scores
from mentalft.errors import DataError
from mentalft.files import write_jsonl

SHEET = ScoreSheet(
    ids=("a#1", "a#2"), digests=("x", "y"), dialogues=("a", "a"), topics=("sleep", None), depths=(1, 2),
    characters={side: np.array([3.0, 0.0]) for side in ("base", "tuned")},
    parts={side: {"bleu": np.array([[0.1, 1.0], [1 / 3, 1.0]])} for side in ("base", "tuned")},
)  # fmt: skip


def test_there_and_back(tmp_path: Path) -> None:
    write_scores(SHEET, tmp_path)
    found = read_scores(tmp_path)
    assert found[:5] == SHEET[:5]
    assert np.array_equal(found.parts["tuned"]["bleu"], SHEET.parts["tuned"]["bleu"])
    assert np.array_equal(found.characters["base"], SHEET.characters["base"])


@pytest.mark.parametrize("rows", [[], [{"id": "a"}], [[1]]])
def test_another_file_is_refused(tmp_path: Path, rows: list[object]) -> None:
    write_jsonl(tmp_path / "scores.jsonl", rows)
    with pytest.raises(DataError, match=r"scores\.jsonl(, line 1)?: not what mentalft writes there"):
        read_scores(tmp_path)
