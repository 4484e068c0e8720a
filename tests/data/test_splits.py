"""Splits: disjoint, stable, and by the stated fractions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mentalft.data.splits import SPLITS, content_key, normalised, split_of
from mentalft.records import Dialogue, Message


def dialogue(opening: str, answer: str = "嗯", name: str = "x") -> Dialogue:
    return Dialogue(name, None, (Message("user", opening), Message("assistant", answer)))


@given(opening=st.text(min_size=1), answer=st.text(), seed=st.integers(0, 10**6))
def test_a_split_depends_on_opening_and_seed_alone(opening: str, answer: str, seed: int) -> None:
    first = split_of(dialogue(opening, answer, "a"), 0.2, 0.3, seed)
    assert first in SPLITS
    assert split_of(dialogue(opening, answer + "!", "b"), 0.2, 0.3, seed) == first


def test_fractions_are_kept_up_to_chance() -> None:
    found = [split_of(dialogue(f"第{n}个开头"), 0.1, 0.2, 42) for n in range(5000)]
    assert abs(found.count("test") / 5000 - 0.2) < 0.02
    assert abs(found.count("validation") / 5000 - 0.1) < 0.02


def test_another_seed_is_another_split() -> None:
    dialogues = [dialogue(f"第{n}个开头") for n in range(200)]
    assert [split_of(d, 0.2, 0.2, 1) for d in dialogues] != [split_of(d, 0.2, 0.2, 2) for d in dialogues]


def test_layout_and_width_do_not_make_a_new_dialogue() -> None:
    assert content_key(dialogue("我睡不着！")) == content_key(dialogue(" 我 睡不着 "))
    assert content_key(dialogue("A君")) == content_key(dialogue("ａ君"))
    assert content_key(dialogue("我睡不着")) != content_key(dialogue("我睡不好"))


@given(st.text())
def test_normalisation_is_idempotent(text: str) -> None:
    assert normalised(normalised(text)) == normalised(text)
