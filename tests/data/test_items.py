"""What is asked: every turn with its true history, whole dialogues when there is a limit."""

from __future__ import annotations

from pathlib import Path

import pytest

from mentalft.assets import QUESTION_BANK
from mentalft.data.items import (
    bank_items,
    check_comparable,
    dialogue_items,
    item_of,
    item_row,
    items_to_ask,
    sample,
)
from mentalft.errors import DataError
from mentalft.files import write_jsonl
from mentalft.records import Dialogue, Item, Message, Splits
from tests.test_conf import composed

DIALOGUE = Dialogue("d", "睡眠", tuple(Message(r, f"{r}{n}") for n in (1, 2) for r in ("user", "assistant")))


def test_every_turn_is_asked_with_the_true_history_before_it() -> None:
    first, second = dialogue_items(DIALOGUE, every_turn=True)
    assert (first.messages, first.references) == (DIALOGUE.messages[:1], ("assistant1",))
    assert (second.messages, second.references) == (DIALOGUE.messages[:3], ("assistant2",))
    assert first.dialogue_id == second.dialogue_id == "d"
    assert first.id != second.id
    assert dialogue_items(DIALOGUE, every_turn=False) == [second]


def test_an_answer_not_to_learn_from_is_history_and_no_reference() -> None:
    shown = [m._replace(learnt=n != 1) for n, m in enumerate(DIALOGUE.messages)]
    (item,) = dialogue_items(Dialogue("d", None, tuple(shown)), every_turn=True)
    assert (item.messages, item.references) == (tuple(shown[:3]), ("assistant2",))
    assert item_of(item_row(item)) == item


def test_reasoning_is_no_part_of_a_reference() -> None:
    thought = ("<think>累</think>\n\n歇一歇", "他累</think>歇一歇", "想<Think>一</Think>想", "<thinking>没完")
    messages = tuple(Message(r, c) for answer in thought for r, c in (("user", "我累"), ("assistant", answer)))
    items = dialogue_items(Dialogue("d", None, messages, ("<think>x</think>",)), every_turn=True)
    assert [item.references for item in items] == [
        ("歇一歇",),
        ("歇一歇",),
        ("想想",),
        ("<thinking>没完", "<think>x</think>"),
    ]
    assert items[1].messages[1].content == thought[0], "what the model is given is as it was learnt"


def test_a_limit_keeps_whole_dialogues_and_is_seeded(tmp_path: Path) -> None:
    path = tmp_path / "test.jsonl"
    write_jsonl(path, (Dialogue(f"d{n}", None, DIALOGUE.messages).to_json() for n in range(20)))
    cfg = composed("eval.max_items=7").eval
    splits = Splits(path, path, path)
    asked, problems = items_to_ask(cfg, splits, None, 1)
    assert problems == []
    assert len(asked) == 6
    assert all(sum(i.dialogue_id == item.dialogue_id for i in asked) == 2 for item in asked)
    assert asked == items_to_ask(cfg, splits, None, 1).items
    assert asked != items_to_ask(cfg, splits, None, 2).items


def test_both_asks_held_out_dialogues_and_the_bank(tmp_path: Path) -> None:
    path = tmp_path / "test.jsonl"
    write_jsonl(path, [Dialogue("anxiety-1", None, DIALOGUE.messages).to_json()])
    items = items_to_ask(
        composed("eval.items=both", "eval.max_items=null").eval, Splits(path, path, path), None, 1
    ).items
    bank = bank_items(QUESTION_BANK, None)
    assert len(items) == 2 + len(bank)
    assert len({i.id for i in items}) == len(items), "a dialogue and a question of one id are two items"


def test_validation_asks_the_validation_split(tmp_path: Path) -> None:
    for name in ("train", "validation", "test"):
        write_jsonl(tmp_path / f"{name}.jsonl", [Dialogue(name, None, DIALOGUE.messages).to_json()])
    splits = Splits(*(tmp_path / f"{name}.jsonl" for name in ("train", "validation", "test")))
    items = items_to_ask(composed("eval.items=validation").eval, splits, None, 1).items
    assert {i.dialogue_id for i in items} == {"validation"}


@pytest.mark.parametrize(
    ("most", "found"),
    [
        ("null", "4 items from two"),
        ("4", "4 items from two"),
        ("3", "2 items from a single dialogue"),
    ],
)
def test_two_dialogues_at_least_are_to_be_asked(tmp_path: Path, most: str, found: str) -> None:
    path = tmp_path / "test.jsonl"
    write_jsonl(path, (Dialogue(f"d{n}", None, DIALOGUE.messages).to_json() for n in range(2)))
    cfg = composed(f"eval.max_items={most}").eval
    if found.endswith("two"):
        check_comparable(cfg, Splits(path, path, path), None, 1)
        return
    with pytest.raises(DataError, match=f"eval.max_items={most} would ask {found}"):
        check_comparable(cfg, Splits(path, path, path), None, 1)


def items_of(topics: dict[str, int], turns: int = 1) -> list[Item]:
    return [
        Item(f"{t}{n}#{k}", f"{t}{n}", t, (Message("user", "在吗"),), ("在",))
        for t, count in topics.items()
        for n in range(count)
        for k in range(turns)
    ]


def test_a_sample_keeps_each_topic_s_share() -> None:
    items = items_of({"睡眠": 60, "学业": 30, "家庭": 10})
    drawn = [i.topic for i in sample(items, 20, 3)]
    assert {t: drawn.count(t) for t in set(drawn)} == {"睡眠": 12, "学业": 6, "家庭": 2}
    few, many = ({i.id for i in sample(items, most, 3)} for most in (20, 50))
    assert few < many, "a smaller sample is part of a larger one"
    assert sample(items, 20, 3) == sample(items[::-1], 20, 3)[::-1], "the order of the file decides nothing"


def test_items_are_read_back_as_they_were_written() -> None:
    for item in dialogue_items(DIALOGUE, every_turn=True):
        assert item_of(item_row(item)) == item


def test_the_bank_is_asked_with_the_run_s_system_message() -> None:
    items = bank_items(QUESTION_BANK, "你是一个乐于助人的AI助手")
    assert len(items) >= 50
    assert items[0].messages[0] == Message("system", "你是一个乐于助人的AI助手")
    assert items[0].messages[1].role == "user"


def test_nothing_is_asked_before_the_user_has_spoken() -> None:
    opened = Dialogue("d", None, (Message("assistant", "你好"), *DIALOGUE.messages), ("另一个好回答",))
    items = dialogue_items(opened, every_turn=True)
    assert [i.messages[-1].role for i in items] == ["user", "user"]
    assert [i.references for i in items] == [("assistant1",), ("assistant2", "另一个好回答")]
