"""Which groups of the configuration the stages of a run use; the others are not to be told of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")
USES = {
    "prepare": ("data", "model"),
    "preflight": ("data", "model", "lora", "trainer"),
    "train": ("data", "model", "lora", "trainer", "eval"),
    "evaluate": ("data", "model", "trainer", "eval"),
    "compare": ("eval",),
}
"""Stage → groups. Prepare counts tokens by the model's tokenizer; train measures ``eval.objective``."""
OF_STAGES = ("data", "model", "lora", "trainer", "eval")
"""Groups that stages use; any other (``tracking``, ``report``) is every command's."""


def used_by(stages: Iterable[str], of_groups: Mapping[str, T]) -> dict[str, T]:
    """``of_groups`` without the groups that none of ``stages`` uses; what is no group of theirs is kept."""
    used = {group for stage in stages for group in USES.get(stage, ())}
    return {group: value for group, value in of_groups.items() if group in used or group not in OF_STAGES}
