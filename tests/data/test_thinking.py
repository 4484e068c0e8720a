"""Thinking is taken apart from the answer wherever it stands, and a text without any is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentalft.data.thinking import MARKERS, apart, opens_thinking, response


@pytest.mark.parametrize(
    ("text", "answer", "thinking", "closed"),
    [
        ("慢慢说。", "慢慢说。", None, True),
        ("<think>\n\n</think>\n\n慢慢说。", "慢慢说。", "", True),
        ("<think>先共情</think>慢慢说。", "慢慢说。", "先共情", True),
        ("先共情</think>慢慢说。", "慢慢说。", "先共情", True),
        ("<think>先共情", "", "先共情", False),
        ("好的。<think>先共情", "好的。", "先共情", False),
        ("<think>甲</think>慢慢<think>乙</think>说。", "慢慢说。", "甲乙", True),
        ("<think>甲<think>乙</think>丙</think>慢慢说。", "慢慢说。", "甲乙丙", True),
        ("<Think>甲</THINK>慢慢说。", "慢慢说。", "甲", True),
        ("慢慢说 <3 a<b>c</b>", "慢慢说 <3 a<b>c</b>", None, True),
        *((f"{opens}甲{closes}慢慢说。", "慢慢说。", "甲", True) for opens, closes in MARKERS.items()),
    ],
)
def test_answer_and_thinking(text: str, answer: str, thinking: str | None, closed: bool) -> None:
    assert apart(text) == (answer, thinking, closed)


@given(st.text(max_size=60).filter(lambda text: "<" not in text), st.text("甲乙\n", max_size=9))
def test_an_answer_is_the_same_with_thinking_before_it(answer: str, thought: str) -> None:
    assert apart(f"<think>{thought}</think>{answer}").answer == apart(answer).answer


def test_a_prompt_that_opens_the_block_is_known() -> None:
    assert opens_thinking("<|im_start|>assistant\n<think>\n")
    assert not opens_thinking("<|im_start|>assistant\n<think>\n\n</think>\n\n")


def test_an_answer_cut_in_its_thinking_is_empty_and_cut() -> None:
    cut = response("1", "p", "<think>先", "stop", 3)
    assert (cut.text, cut.finish_reason, cut.thinking) == ("", "length", "先")
    both = response("1", "p", "<think>乙</think>好", "stop", 3, thinking="甲")
    assert (both.text, both.finish_reason, both.thinking) == ("好", "stop", "甲\n乙")
