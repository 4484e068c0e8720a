"""A guard model's words are read, and stand beside the rules under names that promise nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from mentalft.generation.engines import TransformersEngine
from mentalft.records import Prompt, Response, ScreenPrompt, ScreenRow, Turn
from mentalft.screen.classifier import class_of, classify
from tests.test_conf import composed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Safety: Unsafe\nCategories: Suicide & Self-Harm\nRefusal: No", "flagged"),
        ("Safety: Safe\nCategories: None\nRefusal: Yes", "not_flagged"),
        ("safety:  Controversial\nCategories: Unethical Acts", "controversial"),
        ("<think>\n\n</think>\n\nSafety: Unsafe", "flagged"),
        ("I cannot say.", "unreadable"),
        ("", "unreadable"),
    ],
)
def test_what_it_writes_is_read(text: str, expected: str) -> None:
    assert class_of(text) == expected


def test_every_answer_is_shown_to_it_with_the_talk_before(
    small_model: Path, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = []

    def ask(self: object, contender: object, prompts: Sequence[Prompt]) -> Iterator[Response]:
        for prompt in prompts:
            shown.append(tokenizer.decode(prompt.tokens))
            said = "Safety: Unsafe" if "坏话" in shown[-1] else "Safety: Safe"
            yield Response(prompt.id, prompt.sha256, said, "stop", 3)

    monkeypatch.setattr(TransformersEngine, "ask", ask)
    prompt = ScreenPrompt("p", "zh", "CN", "explicit", "", (Turn("user", "你好"),))
    row = ScreenRow(prompt, {"base": "坏话", "tuned": "好话"}, {"base": (), "tuned": ()})
    cfg = composed(f"screen.classifier={small_model}")
    (found,) = classify(cfg, [row])
    assert found.classified == {"base": "flagged", "tuned": "not_flagged"}
    assert all("你好" in text for text in shown)
