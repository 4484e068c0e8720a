"""What is asked: every turn with its true history, whole dialogues when there is a limit."""

from __future__ import annotations

from pathlib import Path

from mentalft.assets import QUESTION_BANK
from mentalft.data.items import bank_items, dialogue_items, items_to_ask
from mentalft.files import write_jsonl
from mentalft.records import Dialogue, Message
from tests.test_conf import composed

DIALOGUE = Dialogue("d", "睡眠", tuple(Message(r, f"{r}{n}") for n in (1, 2) for r in ("user", "assistant")))


def test_every_turn_is_asked_with_the_true_history_before_it() -> None:
    first, second = dialogue_items(DIALOGUE, every_turn=True)
    assert (first.messages, first.references) == (DIALOGUE.messages[:1], ("assistant1",))
    assert (second.messages, second.references) == (DIALOGUE.messages[:3], ("assistant2",))
    assert first.dialogue_id == second.dialogue_id == "d"
    assert first.id != second.id
    assert dialogue_items(DIALOGUE, every_turn=False) == [second]


def test_a_limit_keeps_whole_dialogues_and_is_seeded(tmp_path: Path) -> None:
    path = tmp_path / "test.jsonl"
    write_jsonl(path, (Dialogue(f"d{n}", None, DIALOGUE.messages).to_json() for n in range(20)))
    cfg = composed("eval.max_items=7").eval
    asked = items_to_ask(cfg, path, None, 1)
    assert len(asked) == 6
    assert all(sum(i.dialogue_id == item.dialogue_id for i in asked) == 2 for item in asked)
    assert asked == items_to_ask(cfg, path, None, 1)
    assert asked != items_to_ask(cfg, path, None, 2)


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
