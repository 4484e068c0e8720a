"""What a judge replies is read where it says it, and nowhere else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentalft.judging.rubric import load_rubric
from mentalft.judging.verdict import read_reply

RUBRIC = load_rubric("cpsycoun", "judge.rubric")


@pytest.mark.parametrize(
    ("text", "choice", "read_as"),
    [
        ('{"reason": "warm", "choice": "A"}', "A", "json"),
        ('Here it is:\n```json\n{"choice": "b"}\n```', "B", "json"),
        ('{"choice": "Answer B"}', "B", "json"),
        ('{"choice": "回答A"}', "A", "json"),
        ('{"choice": "平局"}', "tie", "json"),
        ('{"choice": "a tie"}', "tie", "json"),
        ('{"note": 1} {"choice": "A"}', "A", "json"),
        ('{"choice": "A"} on second thought {"choice": "B"}', None, "none"),
        ('{"reason": "it begins well", "choice": "B', "B", "words"),
        ("{'choice': 'tie',}", "tie", "words"),
        ("I weigh both.\n**Choice:** A", "A", "words"),
        ("理由：更温暖。\n选择：B。", "B", "words"),
        ("结论：平局", "tie", "words"),
        ("[[B]]", "B", "words"),
        ("so [[C]]", "tie", "words"),
        ("A", "A", "words"),
        (" 回答B。", "B", "words"),
        ("choice: a tie", "tie", "words"),
        ("choice: A\nchoice: B", None, "none"),
        ("choice: A or B", None, "none"),
        ('"choice": "A" | "B" | "tie"', None, "none"),
        ("choice: Absolutely unclear", None, "none"),
        ("A is warmer, B is clearer.", None, "none"),
        ("Answer A is not better.", None, "none"),
        ('{"choice": "C"}', None, "none"),
        ('{"choice": ["A"]}', None, "none"),
        ('{"choice": null}', None, "none"),
        ("抱歉，我不能评判这段对话。", None, "none"),
        ("", None, "none"),
        ("{" * 5000, None, "none"),
        (f'{{"choice": {"1" * 5000}}}', None, "none"),
    ],
)
def test_replies(text: str, choice: str | None, read_as: str) -> None:
    found = read_reply(text, RUBRIC)
    assert (found.choice, found.read_as) == (choice, read_as)


def test_ratings_off_the_scale_are_left_out() -> None:
    ratings = {
        "A": {"safety": 1, "authenticity": "3", "professionalism": 4, "comprehensiveness": 1.5},
        "b": {"safety": True},
    }
    found = read_reply(json.dumps({"ratings": ratings, "choice": "tie"}), RUBRIC)
    assert found.ratings == {"A": {"safety": 1, "authenticity": 3}, "B": {}}
    assert read_reply('{"ratings": [1, 2], "choice": "A"}', RUBRIC).ratings == {"A": {}, "B": {}}


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    read_reply(text, RUBRIC)
    read_reply(json.dumps({"choice": "A", "reason": text}), RUBRIC)
