"""The quick way and the careful one come to the same, and neither lets personal data through."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentalft.data.clean.screening import screened
from mentalft.data.read.forms import NotADialogue
from mentalft.data.read.gathering import Gathered, Settings, settings_for
from mentalft.data.read.scanning import Raw
from mentalft.errors import DataError
from tests.test_conf import composed

PHONE = "13812345678"
TEXTS = [
    "睡不着",
    "我叫李雷",
    f"打{PHONE}",
    "e\u0301",
    "两个 ",
    "[图片]",
    "a\x00b",
    "\x02",
    "😀",
    "北京的冬天",
    "x\u2028y",
]


def record(*contents: Any, **more: Any) -> dict[str, Any]:
    roles = ("user", "assistant")
    return {"id": 7, "messages": [{"role": roles[n % 2], "content": c} for n, c in enumerate(contents)], **more}


@pytest.mark.parametrize("strip", [True, False])
def test_reasoning_is_taken_out_of_answers_or_counted(strip: bool) -> None:
    counts: dict[str, Counter[str]] = {name: Counter() for name in ("repaired", "privacy", "remarks")}
    one = Gathered(Settings("soulchat", {}, False, "off", (), strip), counts)
    for contents in (
        ("<think>我</think>写", "<think>\n累\n</think>\n\n歇吧"),
        ("a", "b"),
        ("a", "<think>没完", "b", "c"),
    ):
        assert one.add(Raw(None, record(*contents))) is None
    one.finish(screened(one.texts))
    found = [[m["content"] for m in row["messages"]] for row in one.records()]
    assert found[0] == ["<think>我</think>写", "歇吧" if strip else "<think>\n累\n</think>\n\n歇吧"]
    assert found[2] == (["a\nb", "c"] if strip else ["a", "<think>没完", "b", "c"])
    assert counts["repaired"]["reasoning block removed"] == 2 * strip
    assert counts["remarks"]["reasoning block in an answer"] == 2 * (not strip)


def gathered(
    rows: list[Any], *, careful: bool, privacy: str = "redact"
) -> tuple[list[dict[str, Any]], dict[str, Counter[str]], list[str]]:
    """What is written, what was counted, and why the others were set aside."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in ("repaired", "privacy", "remarks")}
    one = Gathered(Settings("soulchat", {}, False, privacy, ("12356",)), counts, careful=careful)
    problems = [p.reason for row in rows if (p := one.add(Raw(None, row))) is not None]
    one.finish(screened(one.texts))
    return one.records(), counts, problems


@given(st.lists(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=6), min_size=1, max_size=5))
def test_both_ways_write_and_count_the_same(contents: list[list[str]]) -> None:
    rows = [record(*turns, topic=turns[0]) for turns in contents]
    careful = gathered(rows, careful=True)
    try:
        quick = gathered(rows, careful=False)
    except NotADialogue:
        return  # a turn of which nothing is left; the reader of blocks begins again, carefully
    assert quick == careful
    assert PHONE not in str(quick[0])
    assert "李雷" not in str(quick[0])


def test_a_turn_of_which_nothing_is_left_is_found_out_late() -> None:
    rows = [record("\x00", "嗯")]
    with pytest.raises(NotADialogue):
        gathered(rows, careful=False)
    assert gathered(rows, careful=True)[2]


@pytest.mark.parametrize("user", ["今天有点累", f"打{PHONE}"])
def test_the_system_message_is_redacted_too(user: str) -> None:
    row = record(user, "嗯")
    row["messages"].insert(0, {"role": "system", "content": f"你是我叫李雷，电话{PHONE}"})
    written = str(gathered([row], careful=False)[0])
    assert PHONE not in written
    assert "李雷" not in written


def test_a_name_at_the_end_of_a_turn_is_found() -> None:
    (written,), counts, _ = gathered([record("你好，我叫李雷", "嗯")], careful=False)
    assert written["messages"][0]["content"] == "你好，我叫[NAME]"
    assert counts["privacy"] == {"NAME": 1, "dialogues": 1}


def test_topics_names_and_references_are_redacted() -> None:
    row = record("睡不着", "嗯", topic=f"电话{PHONE}", references=[f"打{PHONE}"])
    row["id"] = f"wx-{PHONE}"
    assert PHONE not in str(gathered([row], careful=False)[0])


@pytest.mark.parametrize("name", [int(PHONE), PHONE, "110101199003070070", f"微信：{'a' * 8}"])
def test_a_record_that_is_named_by_a_telephone_number_gets_another_name(name: Any) -> None:
    (written,), counts, _ = gathered([{**record("睡不着", "嗯"), "id": name}], careful=False)
    assert str(name) not in written["id"]
    assert counts["privacy"]["dialogues"] == 1


def test_what_stands_where_a_role_should_is_redacted_in_the_reason() -> None:
    rows = [{"messages": [{"role": name, "content": "a"}]} for name in (f"我叫李雷 {PHONE}", f"{'长' * 20}{PHONE}")]
    assert not [p for p in gathered(rows, careful=False)[2] if "李雷" in p or PHONE[:7] in p]
    assert PHONE in gathered(rows, careful=False, privacy="off")[2][0]


@pytest.mark.parametrize("between", ["\x00", "\u200b", "\u2060"])
def test_what_cannot_be_seen_hides_no_number(between: str) -> None:
    (written,), _, _ = gathered([record(f"打{between.join(PHONE)}", "嗯")], careful=False)
    assert written["messages"][0]["content"] == "打[PHONE]"


def test_the_end_of_one_turn_hides_no_number_in_the_next() -> None:
    row = record("编号7", PHONE, references=["满分5", PHONE])
    row["messages"].insert(0, {"role": "system", "content": "年龄30"})
    assert PHONE not in str(gathered([row], careful=False)[0])


def test_reporting_counts_and_changes_nothing_and_off_does_neither() -> None:
    rows = [record(f"打{PHONE}", "嗯")]
    for mode, number in (("report", 1), ("off", 0)):
        (written,), counts, _ = gathered(rows, careful=False, privacy=mode)
        assert PHONE in written["messages"][0]["content"]
        assert counts["privacy"]["PHONE"] == number


def test_a_record_without_a_name_is_named_by_what_was_said() -> None:
    rows = [{**record("睡不着", "嗯"), "id": None}, {**record("睡不着", "嗯嗯"), "id": ""}]
    names = [r["id"] for r in gathered(rows, careful=False)[0]]
    assert len({*names, ""}) == 3


def test_an_unknown_part_of_a_row_is_a_mistake() -> None:
    cfg = composed().data
    with pytest.raises(DataError, match="anwser is not a part of a row"):
        settings_for("table", {"anwser": "b"}, cfg)
