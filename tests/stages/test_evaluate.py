"""Answers are given once, kept through a kill, and only for the very same prompt."""

from __future__ import annotations

from pathlib import Path

import pytest

from mentalft.errors import DataError
from mentalft.files import json_line, read_jsonl, write_jsonl
from mentalft.generation.decoding import Prompt
from mentalft.records import Response
from mentalft.stages.evaluate import _answers_so_far, asked_in

PROMPTS = [Prompt(str(n), f"hash{n}", [1, 2, n]) for n in range(3)]
ANSWERS = [Response(p.id, p.sha256, f"回答{p.id}", "stop", 3) for p in PROMPTS]


def test_only_answers_to_the_same_prompt_are_kept(tmp_path: Path) -> None:
    other = Response("1", "another prompt", "旧", "stop", 1)
    write_jsonl(tmp_path / "a.jsonl", [r.to_json() for r in (ANSWERS[0], other)])
    assert _answers_so_far(tmp_path / "a.jsonl", PROMPTS) == {"0": ANSWERS[0]}
    assert _answers_so_far(tmp_path / "absent.jsonl", PROMPTS) == {}


def test_a_line_cut_short_is_dropped_and_the_rest_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.partial.jsonl"
    whole = [json_line(r.to_json()) for r in ANSWERS]
    path.write_text("".join(whole[:2]) + whole[2][:15], encoding="utf-8")
    assert _answers_so_far(path, PROMPTS) == {"0": ANSWERS[0], "1": ANSWERS[1]}
    assert len(list(read_jsonl(path))) == 2, "lines can be added to it again"


def test_a_run_that_was_not_evaluated_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="add evaluate to stages"):
        asked_in(tmp_path)
