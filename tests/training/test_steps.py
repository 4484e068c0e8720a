"""The order of examples: every one once an epoch, the same for any number of processes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentalft.training.steps import RankBatches, StepPlan

plans = st.builds(
    StepPlan,
    lengths=st.lists(st.integers(1, 50), min_size=1, max_size=70).map(tuple),
    examples_per_step=st.integers(1, 20),
    micro_batch_size=st.integers(1, 6),
    world_size=st.integers(1, 4),
    seed=st.integers(0, 3),
    group_by_length=st.booleans(),
)


@settings(deadline=None, max_examples=200)
@given(plan=plans, epoch=st.integers(0, 3))
def test_every_example_is_seen_once_an_epoch_over_all_processes(plan: StepPlan, epoch: int) -> None:
    seen = []
    for rank in range(plan.world_size):
        batches = RankBatches(plan, rank)
        batches.set_epoch(epoch)
        mine = list(batches)
        assert len(mine) == len(batches)
        assert all(len(batch) <= plan.micro_batch_size for batch in mine)
        seen += [i for batch in mine for i in batch]
    assert sorted(seen) == list(range(len(plan.lengths)))


@settings(deadline=None, max_examples=100)
@given(plan=plans, world=st.integers(1, 4), micro=st.integers(1, 6))
def test_a_step_holds_the_same_examples_however_it_is_cut(plan: StepPlan, world: int, micro: int) -> None:
    other = StepPlan(plan.lengths, plan.examples_per_step, micro, world, plan.seed, plan.group_by_length)
    assert other.epoch(1) == plan.epoch(1)
    assert [len(step) for step in plan.epoch(1)[:-1]] == [plan.examples_per_step] * (plan.steps_per_epoch - 1)


@settings(deadline=None, max_examples=100)
@given(plan=plans)
def test_all_processes_have_as_many_micro_batches_in_every_step(plan: StepPlan) -> None:
    for step in plan.epoch(0):
        count = len(plan.micro_batches(step))
        assert count % plan.world_size == 0
        assert count // plan.world_size <= plan.accumulation


def test_epochs_and_seeds_differ_and_repeat() -> None:
    plan = StepPlan(tuple(range(1, 41)), 8, 4, 1, 7, group_by_length=True)
    again = StepPlan(tuple(range(1, 41)), 8, 4, 1, 7, group_by_length=True)
    assert plan.epoch(0) == again.epoch(0) != plan.epoch(1)
    assert plan.epoch(0) != StepPlan(tuple(range(1, 41)), 8, 4, 1, 8, group_by_length=True).epoch(0)


def test_tokens_of_a_step_are_those_of_its_examples() -> None:
    plan = StepPlan((5, 6, 7, 8, 9), 2, 1, 1, 0, group_by_length=False)
    assert plan.steps_per_epoch == 3
    assert sum(plan.tokens(step) for step in range(3)) == 35 == sum(plan.tokens(step) for step in range(3, 6))


def test_like_lengths_share_a_micro_batch() -> None:
    plan = StepPlan((50, 1, 49, 2), 4, 2, 1, 0, group_by_length=False)
    assert plan.micro_batches((0, 1, 2, 3)) == [[0, 2], [3, 1]]


def test_nothing_to_plan_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        StepPlan((), 1, 1, 1, 0, group_by_length=False)
