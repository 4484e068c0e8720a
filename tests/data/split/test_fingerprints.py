"""What makes two dialogues one, an opening one, or a pair alike."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentalft.data.split.fingerprints import Keys, keys_of, normalised
from mentalft.records import Dialogue, Message
from tests.data.split.test_places import text


def said(*contents: str) -> Dialogue:
    roles = ("user", "assistant")
    return Dialogue("x", None, tuple(Message(roles[n % 2], c) for n, c in enumerate(contents)))  # type: ignore[arg-type]


def same(name: str, *dialogues: Dialogue) -> bool:
    return len({value.tobytes() for value in getattr(keys_of(dialogues), name)}) == 1


@pytest.mark.parametrize(
    "other", [said("睡不着", "多久了？"), said(" 睡 不 着！！", "多久了"), said("睡不着\n", "多久了…")]
)
def test_layout_and_punctuation_do_not_make_another_dialogue(other: Dialogue) -> None:
    assert same("content", said("睡不着。", "多久了"), other)


def test_case_and_width_do_not_either_but_words_and_turns_do() -> None:
    assert same("content", said("考GRE", "嗯"), said("考ｇｒｅ", "嗯"))
    assert not same("content", said("睡不着", "多久了"), said("睡不着", "多久啦"))
    assert not same("content", said("睡不着", "多久了"), said("睡不着多久了", "了"))


def test_the_system_message_does_not_count() -> None:
    plain = said("睡不着", "多久了")
    assert same("content", plain, Dialogue("y", "t", (Message("system", "你是咨询师"), *plain.messages)))


@pytest.mark.parametrize("greeting", ["你好", "您好，老师！", "在吗？", "Hello～", "hi"])
def test_a_greeting_does_not_open_a_conversation(greeting: str) -> None:
    assert same("opening", said("睡不着", "多久了"), said(greeting, "你好", "睡不着。", "怎么了"))


def test_nothing_but_greetings_is_its_own_opening() -> None:
    assert same("opening", said("你好", "你好"), said("你好！", "你好。"))
    assert not same("opening", said("你好", "你好"), said("在吗", "你好"))


@given(st.lists(st.lists(st.text(min_size=1).filter(normalised), min_size=2, max_size=4), min_size=1, max_size=5))
def test_a_dialogue_has_the_same_keys_in_any_company(contents: list[list[str]]) -> None:
    dialogues = [said(*(c.translate({2: None, 3: None, 4: None}) or "x" for c in turns)) for turns in contents]
    together = keys_of(dialogues)
    for row, dialogue in enumerate(dialogues):
        for whole, alone in zip(together, keys_of([dialogue]), strict=True):
            assert np.array_equal(whole[row], alone[0])


def test_pairs_are_found_as_often_as_the_bands_promise() -> None:
    pairs = []
    for number in range(150):
        base = text(400, number)
        edited = list(base)
        for place in random.Random(number).sample(range(400), 14):
            edited[place] = "某"
        pairs += [said("问", base), said("问", "".join(edited))]
    bands = keys_of(pairs).bands
    found = (bands[::2] == bands[1::2]).any(axis=1).mean()
    assert found > 0.9, "their 3-grams have a Jaccard similarity of about 0.81"


def test_no_dialogues_have_no_keys() -> None:
    assert [len(column) for column in keys_of([])] == [0, 0, 0]
    assert isinstance(keys_of([]), Keys)
