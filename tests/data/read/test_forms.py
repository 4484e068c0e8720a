"""What each format's record becomes, and what it cannot become."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentalft.data.clean.repair import repaired
from mentalft.data.read.forms import (
    FORMS,
    Draft,
    NotADialogue,
    form,
    format_of,
    is_transcript,
    names,
    read_record,
    transcript,
)  # fmt: skip
from mentalft.data.read.shapes import shape_of
from mentalft.errors import DataError
from mentalft.records import Dialogue

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
KEYS = [
    "id", "topic", "messages", "conversation", "conversations", "dialog", "text", "question", "answers", "instruction",
    "input", "output", "history", "system", "Context", "Response", "chosen", "label", "completion", "references", "loss",
    "role", "content", "human", "assistant", "tool_calls", "title",
]  # fmt: skip


def test_messages_become_turns() -> None:
    turns = [{"role": "user", "content": " 你好 "}, {"role": "assistant", "content": "我在"}]
    found = read_record({"id": 3, "normalizedTag": "睡眠", "messages": turns})
    assert (found.id, found.topic) == (3, "睡眠")
    assert found.turns == [("user", " 你好 "), ("assistant", "我在")]


def test_columns_of_a_table_can_be_named() -> None:
    columns = (("question", "frage"), ("answer", "antwort"), ("system", "rolle"))
    found = read_record({"frage": "a", "antwort": "b", "rolle": "c"}, columns)
    assert found.turns == [("system", "c"), ("user", "a"), ("assistant", "b")]


@pytest.mark.parametrize("name", names()[1:])
@given(record=JSON | st.dictionaries(st.sampled_from(KEYS), JSON, max_size=4))
def test_any_record_is_a_whole_dialogue_or_a_reason(name: str, record: Any) -> None:
    if FORMS[name].of is dict and not isinstance(record, dict):
        return
    try:
        found = repaired(FORMS[name].read(record, ()), Counter(), keep_leading_assistant=False)
    except NotADialogue as error:
        reason = error.reason
    else:
        spoken = [m.role for m in found.messages if m.role != "system"]
        assert spoken == ["user", "assistant"] * (len(spoken) // 2) != []
        reason = "fine"
        assert all(m.content.strip() == m.content != "" for m in found.messages)
    assert reason


@given(JSON)
def test_a_form_is_found_or_not_but_nothing_crashes(record: Any) -> None:
    assert format_of(record) in (None, *FORMS)


@pytest.fixture
def _forms_put_back() -> Iterator[None]:
    before = dict(FORMS)
    yield
    FORMS.clear()
    FORMS.update(before)


@pytest.mark.usefixtures("_forms_put_back")
def test_a_form_of_text_is_its_function_and_nothing_else(tmp_path: Path) -> None:
    @form("dashes", lambda text: text.lstrip().startswith("- "), of=str)
    def _dashes(text: str) -> Draft:
        lines = [line.removeprefix("- ") for line in text.splitlines() if line.startswith("- ")]
        return Draft(None, None, [(("user", "assistant")[n % 2], line) for n, line in enumerate(lines)], "line {}")

    path = tmp_path / "a.txt"
    path.write_text("- 睡不着\n- 我在听，慢慢说。\n", encoding="utf-8")
    for forced in (None, "dashes"):
        assert shape_of(path, forced) == ("dashes", True)
    path.write_text("睡不着\n", encoding="utf-8")
    with pytest.raises(DataError, match="saw nothing that parses as JSON"):
        shape_of(path)


@pytest.mark.usefixtures("_forms_put_back")
def test_a_form_is_its_function_and_nothing_else() -> None:
    @form("letters", lambda record: "letter" in record)
    def _letters(record: dict[str, Any]) -> Draft:
        return Draft(None, None, [("user", record["letter"]), ("assistant", record["reply"])], "letter, text {}")

    assert format_of({"letter": "你好", "reply": "我在"}) == "letters"
    assert "letters" in names()


Q, A = ("user", "睡不着"), ("assistant", "多久了")
EARLIER = [("user", "你好"), ("assistant", "你好呀")]
SYSTEM = ("system", "倾听")
PAIR = [["你好", "你好呀"]]
MESSAGES = [{"role": "user", "content": "睡不着"}, {"role": "assistant", "content": "多久了"}]
ONE = MESSAGES[1]


def said(record: Any) -> list[tuple[str, str]]:
    """The turns of the dialogue that a record becomes."""
    found = repaired(read_record(record), Counter(), keep_leading_assistant=False)
    return [(m.role, m.content) for m in found.messages]


@pytest.mark.parametrize(
    ("record", "turns"),
    [
        ({"query": "睡不着", "response": "多久了", "history": PAIR}, [*EARLIER, Q, A]),
        ({"prompt": "睡不着", "response": "多久了", "history": str(PAIR), "system": "倾听"}, [SYSTEM, *EARLIER, Q, A]),
        ({"instruction": "睡不着", "input": "", "output": "多久了", "history": '[["你好", "你好呀"]]'}, [*EARLIER, Q, A]),
        ({"question": "睡不着", "answer": "多久了", "history": [{"question": "你好", "answer": "你好呀"}]}, [*EARLIER, Q, A]),
        ({"messages": MESSAGES, "history": [{"role": "user", "content": "你好"}, {"role": "bot", "content": "你好呀"}]},
         [*EARLIER, Q, A]),
        ({"messages": MESSAGES, "system_prompt": "倾听"}, [SYSTEM, Q, A]),
        ({"messages": [{"role": "system", "content": "倾听"}, *MESSAGES], "system": "倾听"}, [SYSTEM, Q, A]),
        ({"conversations": MESSAGES, "System Prompt": "倾听"}, [SYSTEM, Q, A]),
        ({"conversation": [{"input": "睡不着", "output": "多久了"}], "system": "倾听"}, [SYSTEM, Q, A]),
        ({"conversation": [{"input": "你好", "output": "你好呀"}, {"system": "倾听", "input": "睡不着", "output": "多久了"}]},
         [SYSTEM, *EARLIER, Q, A]),
        ({"conversation": [{"human": "睡不着", "assistant": "多久了"}]}, [Q, A]),
        ({"messages": [{"from": "human", "value": "睡不着"}, {"from": "gpt", "value": "多久了"}]}, [Q, A]),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "睡"}, {"type": "text", "text": "不着"}]}, ONE]},
         [("user", "睡\n不着"), A]),
        ({"messages": str(MESSAGES)}, [Q, A]),
        ({"prompt": MESSAGES[:1], "completion": MESSAGES[1:]}, [Q, A]),
        ({"prompt": "睡不着", "chosen": "多久了", "rejected": "忍着"}, [Q, A]),
        ({"chosen": MESSAGES, "rejected": MESSAGES}, [Q, A]),
        ({"prompt": "睡不着", "chosen": MESSAGES}, [Q, A]),
        ({"conversations": MESSAGES[:1], "chosen": {"from": "gpt", "value": "多久了"}}, [Q, A]),
        ({"chosen": "\n\nHuman: 睡不着\n\nAssistant: 多久了", "rejected": "\n\nHuman: 睡不着\n\nAssistant: 忍着"}, [Q, A]),
        ({"prompt": "睡不着", "completion": "多久了", "label": True}, [Q, A]),
        ({"来访者": "睡不着", "咨询师": "多久了", "主题": "睡眠"}, [Q, A]),
        ({"Client": "睡不着", "Therapist": "多久了"}, [Q, A]),
        ({"问": "睡不着", "答": "多久了"}, [Q, A]),
        ({"text": "问：睡不着\n答：多久了"}, [Q, A]),
        ({"text": "<s>[INST] 睡不着 [/INST] 多久了 </s>"}, [Q, A]),
        ({"标题": "睡不着", "问题": "null", "描述": float("nan"), "回答": "多久了"}, [Q, A]),
        (["**Client**: 睡不着", "Therapist：多久了"], [Q, A]),
    ],
)  # fmt: skip
def test_a_known_field_is_read_wherever_it_stands(record: Any, turns: list[tuple[str, str]]) -> None:
    assert said(record) == turns
    assert format_of(record) is not None


@pytest.mark.parametrize("part", ["question", "answer"])
@pytest.mark.parametrize("cell", ["nan", "None", " null", "N/A", "NULL", "", "　", None, float("nan"), []])
def test_a_cell_that_stands_for_nothing_is_no_text(cell: Any, part: str) -> None:
    with pytest.raises(NotADialogue, match=f"{part}: there is no {part} with text"):
        read_record({"question": "睡不着", "answer": "多久了", part: cell})


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"question": "睡不着", "answer": "多久了", "history": "昨天"}, "history: must be a list, got text"),
        ({"question": "睡不着", "answer": "多久了", "history": ["昨天"]}, r"history\[0\]: must be an object"),
        ({"prompt": "睡不着", "completion": "忍着", "label": False}, "label: its label is false"),
        ({"prompt": "睡不着", "completion": "忍着", "KTO_tag": "false"}, "KTO_tag: its label is false"),
        ({"instruction": "睡不着", "output": ["多久了", "忍着"]}, 'output: holds several.*"chosen" and "rejected"'),
        ({"messages": [MESSAGES[0], {"role": "assistant", "content": None, "tool_calls": [{}]}, ONE]}, "calls a tool"),
        ({"messages": [MESSAGES[0], {"role": "assistant", "content": "", "tool_calls": [{}]}]}, "calls a tool"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}, ONE]}, "a part of type 'image_url'"),
        ({"question": "睡不着", "answer": 3}, "answer: is a number, not text"),
    ],
)
def test_a_record_that_cannot_be_read_as_it_says_is_set_aside(record: Any, reason: str) -> None:
    with pytest.raises(NotADialogue, match=reason):
        said(record)


@pytest.mark.parametrize("mark", [{"loss": False}, {"weight": 0}, {"train": "false"}, {"weight": 0.0, "loss": None}])
def test_an_answer_that_is_marked_so_is_not_learnt_from(mark: dict[str, Any]) -> None:
    shown = [MESSAGES[0], {**ONE, **mark}]
    done: Counter[str] = Counter()
    draft = read_record({"messages": [*shown, {**MESSAGES[0], "loss": False}, {**ONE, "weight": 1}]})
    found = repaired(draft, done, keep_leading_assistant=False)
    assert [m.learnt for m in found.messages if m.role == "assistant"] == [False, True]
    assert found.to_json()["messages"][1:3] == [{**ONE, "weight": 0}, MESSAGES[0]]
    assert Dialogue.from_json(found.to_json()) == found
    assert done["answers shown and not learnt from"] == 1
    assert draft.unread == ()
    with pytest.raises(NotADialogue, match="no answer is to be learnt from"):
        said({"messages": shown})


def test_a_field_that_is_not_read_is_named() -> None:
    turn = {**ONE, "reasoning_content": "想", "weight": 0.5, "tool_calls": []}
    record = {
        "messages": [MESSAGES[0], turn],
        "source": "a",
        "empty": "",
        "topic": "睡眠",
        "title": "标题",
        "rejected": [ONE],
    }
    assert set(read_record(record).unread) == {"reasoning_content", "weight", "source", "title", "rejected"}
    assert read_record({"messages": MESSAGES, "meta": 1}).unread == ("meta",)
    assert read_record({"question": "睡不着", "prompt": "x", "answer": "多久了", "model": "m"}).unread == (
        "prompt",
        "model",
    )
    assert read_record({"prompt": "睡不着", "completion": "多久了", "label": "睡眠"}).unread == ("label",)


def test_a_chat_template_s_text_is_turns() -> None:
    opened = {
        "<|im_start|>system\n倾听<|im_end|>\n<|im_start|>user\n睡不着<|im_end|>\n<|im_start|>assistant\n": [SYSTEM, Q],
        "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n睡不着<|eot_id|>": [Q],
        "<bos><start_of_turn>user\n睡不着<end_of_turn>\n<start_of_turn>model\n": [Q],
        "[gMASK]<sop><|user|>\n睡不着<|assistant|>\n": [Q],
        "<｜begin▁of▁sentence｜><｜User｜>睡不着<｜Assistant｜>": [("User", "睡不着")],
        "<s>[INST] 你好 [/INST] 你好呀</s>[INST] 睡不着 [/INST]": [*EARLIER, Q],
        "Human: 睡不着\nAssistant:": [("Human", "睡不着")],
    }
    for text, turns in opened.items():
        assert transcript(text) == turns
    assert not is_transcript("他说<|im_start|>user\n".rjust(90, "嗯"))
