"""Reading one file: every layout, and damage that costs only the damaged record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mentalft.data.read import scanning
from mentalft.data.read.reading import read_dialogues
from mentalft.records import Dialogue, Message, Rejected


def soulchat(number: int = 0) -> dict[str, Any]:
    return {
        "id": number,
        "topic": "睡眠",
        "messages": [
            {"role": "user", "content": f"睡不着{number}"},
            {"role": "assistant", "content": f"愿意说说吗{number}"},
        ],
    }


def emollm(number: int = 0) -> dict[str, Any]:
    return {
        "conversation": [
            {"system": "你是倾听者", "input": f"你好{number}", "output": "你好"},
            {"input": "有点烦", "output": "怎么了"},
        ]
    }


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    return path


def dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def read(path: Path, form: str = "auto") -> tuple[list[Dialogue], list[Rejected]]:
    found = list(read_dialogues(path, form))
    return [d for d in found if isinstance(d, Dialogue)], [r for r in found if isinstance(r, Rejected)]


@pytest.mark.parametrize("layout", ["array", "indented", "lines", "bom", "crlf"])
@pytest.mark.parametrize("record", [soulchat, emollm])
def test_layouts(layout: str, record: Any, tmp_path: Path) -> None:
    rows = [record(n) for n in range(5)]
    text = {
        "array": dump(rows),
        "indented": json.dumps(rows, ensure_ascii=False, indent=2),
        "lines": "\n".join(map(dump, rows)),
        "bom": "\ufeff" + dump(rows),
        "crlf": "\r\n".join(map(dump, rows)) + "\r\n",
    }[layout]
    good, bad = read(write(tmp_path / "d.json", text))
    assert (len(good), bad) == (5, [])


def test_a_soulchat_record_keeps_id_topic_and_turns(tmp_path: Path) -> None:
    good, _ = read(write(tmp_path / "d.json", dump([soulchat(7)])))
    assert good == [Dialogue("7", "睡眠", (Message("user", "睡不着7"), Message("assistant", "愿意说说吗7")))]


def test_an_emollm_record_has_its_system_message_first(tmp_path: Path) -> None:
    good, _ = read(write(tmp_path / "d.json", dump([emollm()])))
    assert [m.role for m in good[0].messages] == ["system", "user", "assistant", "user", "assistant"]
    assert len(good[0].id) == 16, "a record without an id is called by a hash of what was said"


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        (None, "must be a list, got null or nothing"),
        ("你好", "must be a list, got text"),
        ([], "no messages"),
        ([None], 'must be an object with "role" and "content"'),
        ([{"role": "user"}], 'must be an object with "role" and "content"'),
        ([{"role": "user", "content": None}], "must be text, got null"),
        ([{"role": "alien", "content": "你好"}], "got 'alien'"),
        ([{"role": ["user"], "content": "你好"}], "role must be one of those known"),
        ([{"role": "assistant", "content": "你好"}], "no exchange of user and assistant"),
        ([{"role": "user", "content": "a"}], "no exchange of user and assistant"),
        ([{"role": "system", "content": "a"}], "no exchange of user and assistant"),
        ([{"role": "user", "content": "  "}, {"role": "assistant", "content": "在"}], "no exchange"),
    ],
)
def test_a_bad_record_is_set_aside_with_its_number_and_reason(messages: Any, reason: str, tmp_path: Path) -> None:
    rows = [soulchat(1), {"id": 2, "messages": messages}, soulchat(3)]
    good, bad = read(write(tmp_path / "d.json", json.dumps(rows)))
    assert [d.id for d in good] == ["1", "3"]
    assert [(r.file, r.record) for r in bad] == [("d.json", 2)]
    assert reason in bad[0].reason


@pytest.mark.parametrize(
    "damage",
    [
        '{"id": 2, "messages": [{"role": "user", "content": "没有引号结尾}]}',
        '{"id": 2, "messages": [}',
        '{"id": 2 "messages": []}',
        "garbage",
        "[1",
        '"text"',
        "null",
        "{{{{",
        '{"id": 2, "messages": [{"role": "user", "content": "a"},, ]}',
    ],
)
def test_damage_in_an_array_costs_that_record_only(damage: str, tmp_path: Path) -> None:
    text = f"[{dump(soulchat(1))},\n{damage},\n{dump(soulchat(3))},\n{dump(soulchat(4))}]"
    good, bad = read(write(tmp_path / "d.json", text))
    assert [d.id for d in good] == ["1", "3", "4"]
    assert len(bad) >= 1
    assert bad[0].record == 2


@pytest.mark.parametrize("cut", [5, 20, 60, -1])
def test_a_truncated_last_record_loses_that_record_only(cut: int, tmp_path: Path) -> None:
    whole, last = dump([soulchat(1), soulchat(2)])[:-1], dump(soulchat(3))
    good, bad = read(write(tmp_path / "d.json", f"{whole}, {last[:cut]}"))
    assert [d.id for d in good] == ["1", "2"]
    assert len(bad) == 1


def test_bytes_that_are_no_text_cost_those_characters_alone(tmp_path: Path) -> None:
    lines = [dump(soulchat(n)).encode() for n in range(3)]
    lines[1] = lines[1].replace("睡不着".encode(), b"\xff\xfe")
    path = tmp_path / "d.jsonl"
    path.write_bytes(b"\n".join(lines))
    good, _ = read(path)
    assert [d.messages[0].content for d in good] == ["睡不着0", "1", "睡不着2"], "the broken characters alone are gone"


def test_a_record_may_be_longer_than_the_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "CHUNK", 7)
    rows = [soulchat(n) for n in range(20)]
    path = write(tmp_path / "d.json", json.dumps(rows, ensure_ascii=False, indent=1))
    assert [d.id for d in read(path)[0]] == [str(n) for n in range(20)]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "messages", "role", "x"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(junk=st.lists(json_values, max_size=4), chunk=st.sampled_from([5, 64, 1 << 20]))
def test_any_json_between_good_records_is_accounted_for(junk: list[Any], chunk: int, tmp_path: Path) -> None:
    rows = [soulchat(1), *junk, soulchat(2)]
    before, scanning.CHUNK = scanning.CHUNK, chunk
    try:
        found = list(read_dialogues(write(tmp_path / "p.json", json.dumps(rows)), "soulchat"))
    finally:
        scanning.CHUNK = before
    assert len(found) == len(rows), "every record is either a dialogue or set aside"
    good = [d.id for d in found if isinstance(d, Dialogue)]
    assert (good[0], good[-1]) == ("1", "2")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(junk=st.text(max_size=40) | st.text(alphabet='[]{}":,1a\\\n ', max_size=8), lines=st.booleans())
def test_any_text_between_good_records_never_crashes_nor_eats_its_neighbours(
    junk: str, lines: bool, tmp_path: Path
) -> None:
    text = (
        f"{dump(soulchat(1))}\n{junk}\n{dump(soulchat(2))}"
        if lines
        else f"[{dump(soulchat(1))},{junk},{dump(soulchat(2))}]"
    )
    path = write(tmp_path / "t.json", text)
    good = [d for d in read_dialogues(path, "soulchat") if isinstance(d, Dialogue)]
    assert [good[0].id, good[-1].id] == ["1", "2"]
