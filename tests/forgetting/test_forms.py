"""Whether an answer has the form that was asked for."""

from __future__ import annotations

import pytest

from mentalft.forgetting.forms import FORMS, STOPS, is_right
from mentalft.records import Response

CASES = [
    ("json_keys", {"keys": ["a", "b"]}, ['{"a": 1, "b": [2]}', '```json\n{"b": 1, "a": 2}\n```', ' {"a":1,"b":2}\n'],
     ['{"a": 1}', '{"a": 1, "b": 2, "c": 3}', 'Here: {"a": 1, "b": 2}', "[1]", "{'a': 1, 'b': 2}", "["]),
    ("items", {"count": 2}, ["- x\n- y", "1. x\n\n2. y", "1、苹果\n2、梨", "* x\n* y"],
     ["- x", "- x\n- y\n- z", "Sure:\n- x\n- y", "x\ny", "-\n-"]),
    ("lines", {"count": 2}, ["a\nb", "a\n\nb\n"], ["a", "a\nb\nc"]),
    ("lower_case", {}, ["all small, 3 times"], ["One capital", "123", "全是汉字"]),
    ("upper_case", {}, ["ALL BIG!"], ["Mixed", "123"]),
    ("includes", {"words": ["river", "Clock"]}, ["a clock by the River"], ["a river"]),
    ("excludes", {"words": ["，", ","]}, ["冬天很冷。"], ["冬天，很冷。", "a, b"]),
    ("begins_with", {"beginning": "In my view"}, ["In my view, yes"], ["Well. In my view"]),
    ("ends_with", {"ending": "goodbye"}, ["It is far. goodbye"], ["goodbye it is far", "goodbye."]),
    ("at_most", {"characters": 5}, ["敲钉子。"], ["用来敲钉子的。"]),
    ("chinese", {}, ["计算机是机器。"], ["CPU是部件", "有3个", "!!"]),
    ("number", {"value": 42}, ["42", "17 + 25 = 42.", "答案是42。", "**42**", "42.0"], ["42 or 43", "forty-two", "142", "-42"]),
]  # fmt: skip


def answer(text: str, tokens: int = 5, finish_reason: str = "stop") -> Response:
    return Response("x", "", text, finish_reason, tokens)


@pytest.mark.parametrize(("form", "given", "right", "wrong"), CASES, ids=[case[0] for case in CASES])
def test_form(form: str, given: dict[str, object], right: list[str], wrong: list[str]) -> None:
    assert [text for text in right if not is_right(answer(text), form, given)] == []
    assert [text for text in wrong if is_right(answer(text), form, given)] == []


def test_every_form_is_tried_here() -> None:
    assert {case[0] for case in CASES} == set(FORMS)


def test_a_thousand_has_a_comma() -> None:
    assert is_right(answer("1,200"), "number", {"value": 1200})


def test_what_is_empty_or_cut_is_wrong_whatever_was_asked() -> None:
    for form, given, right, _ in CASES:
        assert not is_right(answer(right[0], finish_reason="length"), form, given)
        assert not is_right(answer(" \n"), form, given)


def test_stopping_in_time() -> None:
    assert is_right(answer("White", 4), STOPS, {"tokens": 4})
    assert not is_right(answer("White is", 5), STOPS, {"tokens": 4})
    assert not is_right(answer("White", 4, "length"), STOPS, {"tokens": 4})
