"""Windows of long dialogues: every answer is learnt once, nothing exceeds the length, history is true and long enough."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentalft.data.batches import encode
from mentalft.data.prompts import IGNORED_LABEL, PromptBuilder
from mentalft.data.windows import windows
from mentalft.records import Dialogue, Message


@pytest.fixture(scope="module")
def builder(tokenizer: Any) -> PromptBuilder:
    return PromptBuilder(tokenizer, {}, "tiny")


def dialogue(sizes: list[tuple[int, int, bool]], system: int) -> Dialogue:
    """Exchanges of so many characters (user, assistant, whether it is learnt from); every message is like no other."""
    messages = [Message("system", "系" * system)] if system else []
    for n, (asked, answered, learnt) in enumerate(sizes):
        messages += [Message("user", f"{n}" + "问" * asked), Message("assistant", f"{n}" + "答" * answered, learnt)]
    return Dialogue("d", "t", tuple(messages))


SIZES = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 40), st.sampled_from([True, True, False])), min_size=1, max_size=12
)


@given(SIZES, st.integers(0, 20), st.integers(16, 120), st.sampled_from([0.0, 0.3, 0.5, 1.0]))
@settings(max_examples=150, deadline=None)
def test_each_answer_is_learnt_once_after_its_true_history(
    builder: PromptBuilder, sizes: list[tuple[int, int, bool]], system: int, max_length: int, least: float
) -> None:
    whole = dialogue(sizes, system)
    body = whole.messages[bool(system) :]
    pieces = windows(whole, builder, max_length, least)
    learnt = []
    for piece in pieces:
        assert len(builder.example(piece.messages).input_ids) <= max_length
        assert piece.messages[: bool(system)] == whole.messages[: bool(system)]
        inside = piece.messages[bool(system) :]
        at = [(m.role, m.content) for m in body].index((inside[0].role, inside[0].content))
        assert [m.content for m in inside] == [m.content for m in body[at : at + len(inside)]], (
            "a stretch as it was said"
        )
        learnt += [m.content for m in inside if m.role == "assistant" and m.learnt]
    fits = [
        answer.content
        for question, answer in pairwise(body)
        if answer.role == "assistant" and answer.learnt
        and len(builder.example([*whole.messages[: bool(system)], question, answer]).input_ids) <= max_length
    ]  # fmt: skip
    assert learnt == fits


@given(SIZES, st.integers(40, 120), st.sampled_from([0.0, 0.5, 1.0]))
@settings(max_examples=100, deadline=None)
def test_each_answer_has_the_history_that_was_asked_for_or_all_that_fits(
    builder: PromptBuilder, sizes: list[tuple[int, int, bool]], max_length: int, least: float
) -> None:
    whole = dialogue(sizes, 0)
    for piece in windows(whole, builder, max_length, least):
        first = next(i for i, m in enumerate(piece.messages) if m.role == "assistant" and m.learnt)
        at = [m.content for m in whole.messages].index(piece.messages[first].content)
        before, asked = piece.messages[: first - 1], at - first
        if asked == 0 or len(builder.example([*before]).input_ids if before else []) >= least * max_length:
            continue
        longer = [*whole.messages[asked - 2 : at], piece.messages[first]]
        assert len(builder.example(longer).input_ids) > max_length, "one exchange more would fit"


def test_more_history_takes_more_windows(builder: PromptBuilder) -> None:
    whole = dialogue([(10, 10, True)] * 20, 0)
    room = len(builder.example(whole.messages[:12]).input_ids)
    counts = [len(windows(whole, builder, room, least)) for least in (0, 0.5, 1)]
    assert counts == [4, 9, 15]
    assert windows(whole, builder, 10_000, 1) == [whole]


def test_what_is_learnt_from_is_all_of_it_and_what_it_costs_is_counted(tokenizer: Any, builder: PromptBuilder) -> None:
    short, long, hopeless = (
        dialogue([(5, 5, True)], 0),
        dialogue([(20, 20, True)] * 9, 0),
        dialogue([(5, 400, True)], 0),
    )
    max_length = len(builder.example(long.messages[:8]).input_ids)
    found = encode([short, long, hopeless], builder, max_length, "windows")
    supervised = sum(int(row.supervised.sum()) for row in found.rows)
    wanted = sum(np.count_nonzero(np.array(builder.example(d.messages).labels) != IGNORED_LABEL) for d in (short, long))
    assert supervised == wanted
    assert (found.shortened.dialogues, found.shortened.cut, found.shortened.left_out) == (3, 1, 1)
    assert found.shortened.windows == len(found.rows) - 1 > 2
    assert found.shortened.tokens == pytest.approx(sum(found.lengths()) / sum(found.whole), abs=1e-4)
    assert {row.id for row in found.rows} == {"d"}
