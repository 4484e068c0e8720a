"""The preview shows the whole example, and exactly the answers as supervised."""

from __future__ import annotations

import re
from io import StringIO
from typing import Any

from rich.console import Console

from mentalft.data.batches import encode
from mentalft.data.preview import preview, preview_lines, print_preview
from mentalft.data.prompts import PromptBuilder
from mentalft.records import Dialogue, Message


def test_answers_are_marked_with_their_end_of_turn(tokenizer: Any) -> None:
    messages = (Message("user", "今天好累"), Message("assistant", "歇一会儿吧"))
    found = encode([Dialogue("a", None, messages)], PromptBuilder(tokenizer, {}, "tiny"), 100).rows[0]
    line = preview_lines(found, tokenizer)
    assert f"⟦歇一会儿吧{tokenizer.eos_token}⟧" in line
    assert line.count("⟦") == 1
    text = preview(found, tokenizer)
    assert text.plain == line.replace("⟦", "").replace("⟧", "")
    green = [text.plain[s.start : s.end] for s in text.spans if "green" in str(s.style)]
    assert green == ["歇一会儿吧" + tokenizer.eos_token]


def test_a_legend_says_what_the_marks_mean(tokenizer: Any) -> None:
    messages = (Message("user", "今天好累"), Message("assistant", "歇一会儿吧"))
    rows = encode([Dialogue("a", None, messages)], PromptBuilder(tokenizer, {}, "tiny"), 100).rows
    for colour, words in ((False, "between ⟦ and ⟧ is learnt from"), (True, "green is learnt from, the rest is what")):
        console = Console(file=StringIO(), force_terminal=colour, no_color=True, soft_wrap=True)
        print_preview(rows, tokenizer, console)
        said = re.sub(r"\x1b\[\d*m", "", console.file.getvalue())  # type: ignore[attr-defined]
        assert words in said
        assert said.index(words) < said.index("今天好累")
