"""What each format's record becomes, and what it cannot become."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentalft.data.records_of import NotADialogue, from_conversation, from_messages
from mentalft.records import Message

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
ROLE = st.sampled_from(["user", "assistant", "system", "来访者"]) | JSON


def test_messages_become_turns() -> None:
    turns = [{"role": "user", "content": " 你好 "}, {"role": "assistant", "content": "我在"}]
    found = from_messages({"id": 3, "normalizedTag": "睡眠", "messages": turns}, "file:1")
    assert (found.id, found.topic) == ("3", "睡眠")
    assert found.messages == (Message("user", "你好"), Message("assistant", "我在"))


def test_a_conversation_s_system_text_comes_first() -> None:
    record = {"conversation": [{"system": "倾听", "input": "累", "output": "嗯"}, {"input": "是", "output": "好"}]}
    found = from_conversation(record, "file:1")
    assert [m.role for m in found.messages] == ["system", "user", "assistant", "user", "assistant"]
    assert found.id == "file:1"


@given(st.lists(st.fixed_dictionaries({"role": ROLE, "content": st.text() | JSON}), max_size=5) | JSON)
def test_any_record_is_a_whole_dialogue_or_a_reason(raw: Any) -> None:
    try:
        found = from_messages({"messages": raw}, "file:1")
    except NotADialogue:
        return
    spoken = [m.role for m in found.messages if m.role != "system"]
    assert spoken == ["user", "assistant"] * (len(spoken) // 2) != []
    assert all(m.content.strip() == m.content != "" for m in found.messages)


@pytest.mark.parametrize("broken", ["\ud83d", "好\x00"])
def test_characters_that_no_file_can_hold_are_a_reason(broken: str) -> None:
    turns = [{"role": "user", "content": "你好"}, {"role": "assistant", "content": broken}]
    with pytest.raises(NotADialogue, match=r"messages\[1\]"):
        from_messages({"messages": turns}, "file:1")
