"""What one process makes of one block."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mentalft.data.read.blocks import Block
from mentalft.data.read.workers import Part, Settings, read_block
from mentalft.data.split.fingerprints import keys_of
from mentalft.files import read_jsonl
from mentalft.records import Dialogue
from tests.conftest import dialogue_record

SETTINGS = Settings("soulchat", {}, privacy="redact", hotlines=("12356",))
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


def read(rows: list[object], folder: Path, most: int | None = None, settings: Settings = SETTINGS) -> Part:
    data = "\n".join(json.dumps(row) for row in rows).encode()
    part = read_block(Block("lines", Path("d.jsonl"), payload=data), settings, folder / "p.jsonl", most)
    assert part is not None
    return part


@pytest.mark.parametrize("strip", [True, False])
def test_reasoning_is_taken_out_of_answers_or_counted(strip: bool, tmp_path: Path) -> None:
    said = [
        ("<think>我</think>写", "<think>\n累\n</think>\n\n歇吧"),
        ("a", "b"),
        ("a", "<think>没完", "b", "c"),
    ]
    rows = [
        {"messages": [{"role": ("user", "assistant")[n % 2], "content": c} for n, c in enumerate(of)]} for of in said
    ]
    part = read([*rows], tmp_path, settings=replace(SETTINGS, strip_thinking=strip, privacy="off", keep_html=True))
    found = [[m["content"] for m in row["messages"]] for row in read_jsonl(tmp_path / "p.jsonl")]
    assert found[0] == ["<think>我</think>写", "歇吧" if strip else "<think>\n累\n</think>\n\n歇吧"]
    assert found[2] == (["a\nb", "c"] if strip else ["a", "<think>没完", "b", "c"])
    assert part.counts["repaired"]["reasoning block removed"] == 2 * strip
    assert part.counts["remarks"]["reasoning block in an answer"] == 2 * (not strip)


def test_each_dialogue_has_a_row(tmp_path: Path) -> None:
    rows = [dialogue_record(0), 5, dialogue_record(1, exchanges=3), {"messages": []}, dialogue_record(2)]
    rows[4]["messages"].insert(0, {"role": "system", "content": "听"})  # type: ignore[index]
    part = read(rows, tmp_path)
    assert (part.records, part.rows["record"].tolist(), [r.record for r in part.rejected]) == (5, [1, 3, 5], [2, 4])
    assert len(part.rows) == 3
    written = [Dialogue.from_json(row) for row in read_jsonl(tmp_path / "p.jsonl")]
    assert part.rows["turns"].tolist() == [2, 3, 2]
    said = [[m.content for m in d.messages if m.role != "system"] for d in written]
    assert part.rows["characters"].tolist() == [sum(map(len, contents)) for contents in said]
    assert part.rows["bytes"].sum() == (tmp_path / "p.jsonl").stat().st_size
    assert np.array_equal(part.rows["bands"], keys_of(written).bands)


@pytest.mark.parametrize("nothing", ["\x00", "\x02", "\u2028"])
def test_a_dialogue_of_which_nothing_is_left_costs_no_other(nothing: str, tmp_path: Path) -> None:
    empty = {"id": 1, "messages": [{"role": "user", "content": nothing}, {"role": "assistant", "content": nothing}]}
    part = read([dialogue_record(0), empty, dialogue_record(1)], tmp_path)
    assert (part.records, part.rows["record"].tolist(), [r.record for r in part.rejected]) == (3, [1, 3], [2])


def test_it_stops_when_it_has_enough(tmp_path: Path) -> None:
    part = read([7, *(dialogue_record(n) for n in range(9))], tmp_path, most=3)
    assert (part.records, len(part.rows)) == (4, 3)


def test_of_several_files_the_one_that_was_set_aside_is_named(tmp_path: Path) -> None:
    names = []
    for number in range(3):
        names.append(tmp_path / f"{number}.json")
        names[-1].write_text('[{"role": "user"' if number == 1 else json.dumps(dialogue_record(number)["messages"]))
    smilechat = Settings("smilechat", {})
    part = read_block(Block("files", tmp_path, payload=names), smilechat, tmp_path / "p.jsonl")
    assert part is not None
    assert [(r.file, r.record) for r in part.rejected] == [("1.json", 2)]


def record(*contents: Any, **more: Any) -> dict[str, Any]:
    roles = ("user", "assistant")
    return {"id": 7, "messages": [{"role": roles[n % 2], "content": c} for n, c in enumerate(contents)], **more}


def made(
    rows: list[Any], folder: Path, privacy: str = "redact", system_message: str | None = None
) -> tuple[list[dict[str, Any]], dict[str, Counter[str]], list[str]]:
    """What is written, what was counted, and why the others were set aside."""
    part = read(rows, folder, settings=replace(SETTINGS, privacy=privacy, system_message=system_message))
    return list(read_jsonl(folder / "p.jsonl")), part.counts, [one.reason for one in part.rejected]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(contents=st.lists(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=6), min_size=1, max_size=5))
def test_no_company_lets_personal_data_through(contents: list[list[str]], tmp_path: Path) -> None:
    rows = [record(*turns, topic=turns[0]) for turns in contents]
    written = made(rows, tmp_path)[0]
    assert written == [one for row in rows for one in made([row], tmp_path)[0]], "a record is read as if it were alone"
    assert PHONE not in str(written)
    assert "李雷" not in str(written)


@pytest.mark.parametrize("user", ["今天有点累", f"打{PHONE}"])
def test_the_system_message_is_redacted_too(user: str, tmp_path: Path) -> None:
    row = record(user, "嗯")
    row["messages"].insert(0, {"role": "system", "content": f"你是我叫李雷，电话{PHONE}"})
    written = str(made([row], tmp_path)[0])
    assert PHONE not in written
    assert "李雷" not in written


def test_a_name_at_the_end_of_a_turn_is_found(tmp_path: Path) -> None:
    (written,), counts, _ = made([record("你好，我叫李雷", "嗯")], tmp_path)
    assert written["messages"][0]["content"] == "你好，我叫[NAME]"
    assert counts["privacy"] == {"NAME": 1, "dialogues": 1}


def test_topics_names_and_references_are_redacted(tmp_path: Path) -> None:
    row = record("睡不着", "嗯", topic=f"电话{PHONE}", references=[f"打{PHONE}"])
    row["id"] = f"wx-{PHONE}"
    assert PHONE not in str(made([row], tmp_path)[0])


@pytest.mark.parametrize("name", [int(PHONE), PHONE, "110101199003070070", f"微信：{'a' * 8}"])
def test_a_record_that_is_named_by_a_telephone_number_gets_another_name(name: Any, tmp_path: Path) -> None:
    (written,), counts, _ = made([{**record("睡不着", "嗯"), "id": name}], tmp_path)
    assert str(name) not in written["id"]
    assert counts["privacy"]["dialogues"] == 1


def test_what_stands_where_a_role_should_is_redacted_in_the_reason(tmp_path: Path) -> None:
    rows = [{"messages": [{"role": name, "content": "a"}]} for name in (f"我叫李雷 {PHONE}", f"{'长' * 20}{PHONE}")]
    assert not [p for p in made(rows, tmp_path)[2] if "李雷" in p or PHONE[:7] in p]
    assert PHONE in made(rows, tmp_path, "off")[2][0]


@pytest.mark.parametrize("between", ["\x00", "\u200b", "\u2060"])
def test_what_cannot_be_seen_hides_no_number(between: str, tmp_path: Path) -> None:
    (written,), _, _ = made([record(f"打{between.join(PHONE)}", "嗯")], tmp_path)
    assert written["messages"][0]["content"] == "打[PHONE]"


def test_the_end_of_one_turn_hides_no_number_in_the_next(tmp_path: Path) -> None:
    row = record("编号7", PHONE, references=["满分5", PHONE])
    row["messages"].insert(0, {"role": "system", "content": "年龄30"})
    assert PHONE not in str(made([row], tmp_path)[0])


def test_reporting_counts_and_changes_nothing_and_off_does_neither(tmp_path: Path) -> None:
    rows = [record(f"打{PHONE}", "嗯")]
    for mode, number in (("report", 1), ("off", 0)):
        (written,), counts, _ = made(rows, tmp_path, mode)
        assert PHONE in written["messages"][0]["content"]
        assert counts["privacy"]["PHONE"] == number


def test_a_record_without_a_name_is_named_by_what_was_said(tmp_path: Path) -> None:
    rows = [{**record("睡不着", "嗯"), "id": None}, {**record("睡不着", "嗯嗯"), "id": ""}]
    names = [r["id"] for r in made(rows, tmp_path)[0]]
    assert len({*names, ""}) == 3


def test_a_topic_counts_wherever_it_stands(tmp_path: Path) -> None:
    rows = [record(f"睡不着{n}", "嗯", topic=f"电话{PHONE}") for n in range(3)]
    written, counts, _ = made(rows, tmp_path)
    assert counts["privacy"] == {"PHONE": 3, "dialogues": 3}
    assert {row["topic"] for row in written} == {"电话[PHONE]"}


@pytest.mark.parametrize("system", [None, '共同的"messages":['])
def test_the_common_system_message_stands_where_there_is_none(system: str | None, tmp_path: Path) -> None:
    own = record("睡不着", "嗯")
    own["messages"].insert(0, {"role": "system", "content": "自己的"})
    first, second = made([own, record("睡不着", "嗯", id=None)], tmp_path, system_message=system)[0]
    assert [m["content"] for m in first["messages"]] == ["自己的", "睡不着", "嗯"]
    assert [m["content"] for m in second["messages"]] == [*([system] if system else []), "睡不着", "嗯"]
    assert second["id"] == made([record("睡不着", "嗯", id=None)], tmp_path)[0][0]["id"], "it is no part of the name"
