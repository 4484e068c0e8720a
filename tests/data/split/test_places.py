"""Splits: disjoint, stable, by group, and by the stated fractions."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mentalft.data.split.fingerprints import hashed, keys_of
from mentalft.data.split.places import CONFLICT, DUPLICATE, placed, thinned
from mentalft.records import Dialogue, Message

HAN = [chr(0x4E00 + n) for n in range(3000)]


def text(length: int, seed: object) -> str:
    return "".join(random.Random(str(seed)).choices(HAN, k=length))


def dialogue(opening: str, answer: str = "嗯") -> Dialogue:
    return Dialogue("x", None, (Message("user", opening), Message("assistant", answer)))


def places(dialogues: list[Dialogue], seed: int = 42) -> list[int]:
    return [int(p) for p in placed(keys_of(dialogues), 0.1, 0.2, seed)]


CORPUS = [dialogue(text(30, n), text(60, -n)) for n in range(1500)]


def test_fractions_are_kept_up_to_chance() -> None:
    found = places(CORPUS)
    assert abs(found.count(2) / len(found) - 0.2) < 0.03
    assert abs(found.count(1) / len(found) - 0.1) < 0.025


def test_another_seed_is_another_split() -> None:
    assert places(CORPUS, 1) != places(CORPUS, 2)


@given(st.randoms(use_true_random=False))
def test_a_dialogue_keeps_its_split_whatever_is_added(chance: random.Random) -> None:
    before = places(CORPUS[:60])
    added = chance.sample(CORPUS[60:], 40)
    assert places(CORPUS[:60] + added)[:60] == before
    assert places(added + CORPUS[:60])[40:] == before


def test_dialogues_with_one_opening_go_together_whatever_follows_and_after_a_greeting_too() -> None:
    opening = text(12, "opening")
    same = [dialogue(opening, text(40, n)) for n in range(30)]
    greeted = Dialogue(
        "g",
        None,
        (Message("user", "你好！"), Message("assistant", "你好"), *dialogue(f"{opening}。", text(40, "g")).messages),
    )
    assert len(set(places([*same, greeted]))) == 1


def test_near_duplicates_go_together() -> None:
    for number in range(40):
        one = dialogue(text(20, f"a{number}"), text(300, number))
        edited = list(one.messages[1].content)
        for place in random.Random(number).sample(range(300), 6):
            edited[place] = "某"
        two = dialogue(text(20, f"b{number}"), "".join(edited))
        a, b = places([one, two])
        assert a == b


def test_unlike_dialogues_are_not_grouped() -> None:
    keys = keys_of(CORPUS)
    assert all(len(np.unique(keys.bands[:, b])) > 0.999 * len(CORPUS) for b in range(keys.bands.shape[1]))


def test_exact_copies_are_dropped_whatever_their_layout() -> None:
    one, other = dialogue("我睡不着！", "多久了？"), dialogue(" 我 睡不着", "多久了")
    assert places([one, other, dialogue("我睡不好", "多久了")])[1] == DUPLICATE


def test_a_conflict_is_found_by_opening_and_content() -> None:
    long = [dialogue(text(10, f"o{n}"), text(400, f"c{n}")) for n in range(40)]
    found = dict(zip(places(long), long, strict=True))
    bridge = dialogue(found[0].messages[0].content, found[2].messages[1].content)
    assert places([found[0], found[2], bridge]) == [0, 2, CONFLICT]


@given(st.lists(st.integers(0, 2), min_size=1, max_size=60), st.floats(0.01, 1), st.floats(0.01, 1))
def test_a_smaller_share_of_training_is_part_of_a_larger_one(drawn: list[int], one: float, other: float) -> None:
    places = np.array([0, *drawn], dtype=np.uint8)
    content = np.array([hashed(str(n)) for n in range(len(places))], dtype=np.uint64)
    small, large = (thinned(places, content, share, 42) for share in sorted((one, other)))
    assert set(np.flatnonzero(small == 0)) <= set(np.flatnonzero(large == 0))
    assert (small == 0).sum() == max(1, round(min(one, other) * (places == 0).sum()))
    assert (small[places > 0] == places[places > 0]).all(), "validation and test stay"
