"""Groups that are shown: large enough for an interval, the rest pooled."""

from __future__ import annotations

from collections.abc import Sequence

from mentalft.statistics import pooled_depths, pooled_topics, why_no_topics
from mentalft.words import told


def test_small_topics_are_pooled_and_the_largest_come_first() -> None:
    topics = ["sleep"] * 10 + ["work"] * 12 + ["grief"] * 3 + [None] * 2
    found = pooled_topics(topics, [str(i) for i in range(len(topics))])
    assert found.order == ["work", "sleep", "other"]
    assert found.of_item[-5:] == ["other"] * 5


def test_dialogues_are_counted_not_items() -> None:
    assert pooled_topics(["sleep"] * 30, [str(i % 3) for i in range(30)]).order == ["other"]


def why(topics: Sequence[str | None], dialogues: Sequence[str]) -> str | None:
    said = why_no_topics(topics, dialogues)
    return told(said) if said else None


def test_it_says_why_nothing_is_shown_by_topic() -> None:
    many = [str(i) for i in range(30)]
    assert why([f"t{i % 16}" for i in range(30)], many) == "no topic has at least 10 dialogues"
    assert why(["sleep"] * 30, many) == "all items are of one topic"
    assert why([None] * 30, many) == "no item has a topic"
    assert why(["sleep"] * 20 + ["work"] * 10, many) is None


def test_no_more_topics_than_a_page_holds() -> None:
    topics = [f"t{i % 40}" for i in range(400)]
    found = pooled_topics(topics, [str(i) for i in range(400)])
    assert len(found.order) == 16
    assert found.order[-1] == "other"


def test_deep_turns_are_pooled_until_ten_dialogues_have_them() -> None:
    depths, dialogues = [], []
    for dialogue in range(20):
        for depth in range(1, 3 if dialogue < 12 else 12):
            depths.append(depth)
            dialogues.append(str(dialogue))
    found = pooled_depths(depths, dialogues)
    assert found.order == ["1", "2+"], "eight dialogues are too few for a group of the third turns"
    assert pooled_depths([1] * 5, list("abcde")).order == ["1"]
