"""Which dialogues make up each optimizer step, and which of them go through the model together.

The content of a step depends on the seed, the epoch and the effective batch alone: not on the number of
processes, on the micro-batch size, or on where a run was continued. Within a step the dialogues are put in
order of length before they are cut into micro-batches, so little is padded while the steps themselves stay a
random sample.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

STEPS_SORTED_TOGETHER = 50
"""How many steps ``group_by_length`` sorts at a time, at most; never more than a quarter of an epoch, so that a small
corpus is shuffled too. The same bounds as those of transformers' own sampler."""


@dataclass(frozen=True, eq=False)
class StepPlan:
    """The order of the training examples.

    Raises:
        ValueError: there is no example.
    """

    lengths: tuple[int, ...]
    """Tokens of each example."""
    examples_per_step: int
    """The effective batch: examples between two updates, over all processes."""
    micro_batch_size: int
    """Examples that go through the model together, at most, on one process."""
    world_size: int
    seed: int
    group_by_length: bool

    def __post_init__(self) -> None:
        if not self.lengths:
            raise ValueError("a step plan needs at least one example")

    @property
    def accumulation(self) -> int:
        """Micro-batches of a whole step on one process."""
        return math.ceil(self.examples_per_step / (self.micro_batch_size * self.world_size))

    @property
    def steps_per_epoch(self) -> int:
        return math.ceil(len(self.lengths) / self.examples_per_step)

    def epoch(self, epoch: int) -> tuple[tuple[int, ...], ...]:
        """The examples of every step of ``epoch``; each example once."""
        return _epoch(self, epoch)

    def tokens(self, step: int) -> int:
        """Real (not padding) tokens of the step with this number, counted from 0 over all epochs."""
        epoch, place = divmod(step, self.steps_per_epoch)
        return sum(self.lengths[i] for i in self.epoch(epoch)[place])

    def micro_batches(self, step: Sequence[int]) -> list[list[int]]:
        """``step`` cut into micro-batches of like length; number ``n`` belongs to process ``n % world_size``.

        Every process gets the same number of them; where there are fewer examples than processes, some are empty.
        """
        count = self.world_size * math.ceil(len(step) / (self.micro_batch_size * self.world_size))
        ordered = sorted(step, key=lambda i: (-self.lengths[i], i))
        return [list(map(int, part)) for part in np.array_split(np.asarray(ordered, dtype=int), count)]


@lru_cache(maxsize=2)
def _epoch(plan: StepPlan, epoch: int) -> tuple[tuple[int, ...], ...]:
    draw = np.random.Generator(np.random.PCG64([plan.seed, epoch]))
    order = draw.permutation(len(plan.lengths))
    size = plan.examples_per_step
    if not plan.group_by_length:
        return tuple(tuple(map(int, order[at : at + size])) for at in range(0, len(order), size))
    lengths = np.asarray(plan.lengths)
    steps: list[tuple[int, ...]] = []
    reach = max(1, min(STEPS_SORTED_TOGETHER, plan.steps_per_epoch // 4)) * size
    for start in range(0, len(order), reach):
        together = order[start : start + reach]
        together = together[np.argsort(-lengths[together], kind="stable")]
        steps += [tuple(map(int, together[at : at + size])) for at in range(0, len(together), size)]
    whole, rest = [s for s in steps if len(s) == size], [s for s in steps if len(s) < size]
    # the short step comes last, where the trainer expects it
    return tuple([whole[i] for i in draw.permutation(len(whole))] + rest)


class RankBatches:
    """The micro-batches of one process, as a torch ``DataLoader`` takes them for its ``batch_sampler``."""

    def __init__(self, plan: StepPlan, rank: int) -> None:
        self.plan, self.rank, self.current = plan, rank, 0

    def set_epoch(self, epoch: int) -> None:
        self.current = epoch

    def __len__(self) -> int:
        sizes = len(self.plan.epoch(0)[-1])
        last = math.ceil(sizes / (self.plan.micro_batch_size * self.plan.world_size))
        return (self.plan.steps_per_epoch - 1) * self.plan.accumulation + last

    def __iter__(self) -> Iterator[list[int]]:
        for step in self.plan.epoch(self.current):
            yield from self.plan.micro_batches(step)[self.rank :: self.plan.world_size]
