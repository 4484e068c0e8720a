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
from mentalft.data.read.forms import FORMS, Draft, NotADialogue, form, format_of, names, table_row
from mentalft.data.read.shapes import shape_of
from mentalft.errors import DataError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
KEYS = [
    "id", "topic", "messages", "conversation", "conversations", "dialog", "text", "question", "answers", "instruction",
    "input", "output", "history", "system", "Context", "Response",
]  # fmt: skip


def test_messages_become_turns() -> None:
    turns = [{"role": "user", "content": " 你好 "}, {"role": "assistant", "content": "我在"}]
    found = FORMS["soulchat"].read({"id": 3, "normalizedTag": "睡眠", "messages": turns})
    assert (found.id, found.topic) == (3, "睡眠")
    assert found.turns == [("user", " 你好 "), ("assistant", "我在")]


def test_columns_of_a_table_can_be_named() -> None:
    read = table_row({"question": "frage", "answer": "antwort", "system": "rolle"})
    found = read({"frage": "a", "antwort": "b", "rolle": "c"})
    assert found.turns == [("system", "c"), ("user", "a"), ("assistant", "b")]


@pytest.mark.parametrize("name", names()[1:])
@given(record=JSON | st.dictionaries(st.sampled_from(KEYS), JSON, max_size=4))
def test_any_record_is_a_whole_dialogue_or_a_reason(name: str, record: Any) -> None:
    reader = FORMS[name].read if name in FORMS else table_row({})
    if (name not in FORMS or FORMS[name].of is dict) and not isinstance(record, dict):
        return
    try:
        found = repaired(reader(record), Counter(), keep_leading_assistant=False)
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
    assert format_of(record) in (None, *FORMS, "table")


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
