"""Answers that are measured in one pass over a dialogue are as likely as each is by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mentalft.data.batches import Row
from mentalft.generation.likelihood import Likelihood, likelihoods
from mentalft.generation.rows import families


def row(name: str, tokens: list[int], *labels: int) -> Row:
    supervised = np.zeros(len(tokens), dtype=bool)
    supervised[list(labels)] = True
    return Row(name, np.asarray(tokens, dtype=np.int32), supervised)


@pytest.fixture(scope="module")
def model(small_model: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(str(small_model)).eval()


def test_turns_of_one_dialogue_are_measured_in_one_pass(model: Any) -> None:
    dialogue = list(range(10, 22))
    rows = [
        row("first", dialogue[:4], 2, 3),
        row("second", dialogue[:8], 6, 7),
        row("third", dialogue, 10, 11),
        row("the same again", dialogue, 10, 11),
        row("overlapping", dialogue[:8], 3, 7),
        row("another answer", [*dialogue[:6], 40, 41], 6, 7),
    ]
    together = families(rows, lambda r: r.input_ids.tolist())
    assert [[r.id for r in family] for family in together] == [
        ["third", "the same again", "second", "overlapping", "first"],
        ["another answer"],
    ]
    found = dict(likelihoods(model, 1, together))
    assert found.keys() == {r.id for r in rows}
    for one in rows:
        alone = dict(likelihoods(model, 1, [[one]]))[one.id]
        assert found[one.id] == Likelihood(2, pytest.approx(alone.nll, rel=1e-5))
