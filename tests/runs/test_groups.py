"""What a run does not use is not told of it."""

from __future__ import annotations

import pytest

from mentalft.config import STAGES
from mentalft.runs.groups import OF_STAGES, USES, used_by

CHOICES = {**dict.fromkeys(OF_STAGES, "x"), "tracking": "none", "experiment": "quick"}


@pytest.mark.parametrize(
    ("stages", "left_out"),
    [
        (["compare"], {"data", "model", "lora", "trainer"}),
        (["prepare"], {"lora", "trainer", "eval"}),
        (["prepare", "evaluate", "compare"], {"lora"}),
        (["prepare", "train", "evaluate", "compare"], set()),
    ],
)
def test_groups_that_no_stage_uses_are_left_out(stages: list[str], left_out: set[str]) -> None:
    assert set(CHOICES) - set(used_by(stages, CHOICES)) == left_out


def test_every_stage_says_what_it_uses() -> None:
    assert tuple(USES) == STAGES
    assert {group for groups in USES.values() for group in groups} == set(OF_STAGES)
