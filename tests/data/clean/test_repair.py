"""Each rule of repair, and that it is counted."""

from __future__ import annotations

from collections import Counter

import pytest

from mentalft.data.clean.repair import cleaned, remarks, repaired
from mentalft.data.read.forms import Draft, NotADialogue

Turns = list[tuple[object, object]]


def mend(turns: Turns, *, keep: bool = False) -> tuple[list[tuple[str, str]], list[str]]:
    done: Counter[str] = Counter()
    found = repaired(Draft(1, None, turns, "messages[{}]"), done, keep_leading_assistant=keep)
    return [(m.role, m.content) for m in found.messages], sorted(done)


U, A = ("user", "睡不着"), ("assistant", "多久了")


@pytest.mark.parametrize(
    ("turns", "left", "rules"),
    [
        ([U, A], [U, A], []),
        ([("user", "睡"), ("user", "不着"), A], [("user", "睡\n不着"), A], ["neighbours of one role merged"]),
        ([("assistant", "你好"), U, A], [U, A], ["leading assistant turn dropped"]),
        ([U, A, ("user", "谢谢")], [U, A], ["trailing user turn dropped"]),
        ([U, ("assistant", " "), ("assistant", "多久了")], [U, A], ["empty turn removed"]),
        ([("Client", "睡不着"), ("心理咨询师", "多久了")], [U, A], ["role mapped"]),
        ([("system", "倾听"), U, A], [("system", "倾听"), U, A], []),
        ([U, A, ("system", "x"), U, A], [U, A, U, A], ["later system message dropped"]),
        ([("user", "睡\x00不\ufeff着"), A], [U, A], ["control characters and broken characters removed"]),
        ([("user", "睡不着\ud83d"), A], [U, A], ["control characters and broken characters removed"]),
        ([("user", "e\u0301"), A], [("user", "é"), A], ["made NFC"]),
        ([("user", "a\r\nb"), A], [("user", "a\nb"), A], ["line ends made \\n"]),
        ([("user", " 睡不着 "), A], [U, A], []),
    ],
)
def test_rules(turns: Turns, left: Turns, rules: list[str]) -> None:
    assert mend(turns) == (left, rules)


def test_halves_of_a_character_that_belong_together_are_joined() -> None:
    assert cleaned("\ud83d\ude42\x01", set()) == "🙂"


def test_a_leading_assistant_turn_is_kept_where_that_is_wanted() -> None:
    assert mend([("assistant", "你好"), U, A], keep=True)[0] == [("assistant", "你好"), U, A]


@pytest.mark.parametrize("turns", [[], [U], [A], [("system", "a")], [("user", " "), A]])
def test_what_has_no_exchange_is_refused(turns: Turns) -> None:
    with pytest.raises(NotADialogue):
        mend(turns)


def test_the_field_is_named() -> None:
    with pytest.raises(NotADialogue) as error:
        mend([U, ("assistant", None)])
    assert (error.value.field, error.value.reason) == ("messages[1].content", "must be text, got null or nothing")


def test_remarks_change_nothing_and_are_named() -> None:
    assert remarks("楼主你好，[图片]") == {"platform residue: 楼主", "placeholder text"}
    assert remarks("我很关心你") == set()
