"""Scores and differences from answers that are already there."""

from __future__ import annotations

from pathlib import Path

import pytest

from mentalft.errors import DataError
from mentalft.files import read_json, read_jsonl, write_jsonl
from mentalft.records import Comparison, Item, Message, Response
from mentalft.stages.compare import compare
from tests.test_conf import composed

REFERENCE = "听起来你这阵子很累，我们慢慢说。"
ITEMS = [
    Item(f"{n}#1", f"d{n}", "睡眠", (Message("user", f"第{n}晚睡不着"),), (f"{REFERENCE}第{n}晚。",)) for n in range(8)
]


def answers(path: Path, texts: list[str], prompt: str = "p") -> Path:
    rows = [Response(i.id, f"{prompt}{i.id}", t, "stop", len(t)).to_json() for i, t in zip(ITEMS, texts, strict=False)]
    write_jsonl(path, rows)
    return path


def compared(tmp_path: Path, base: Path, tuned: Path) -> Comparison:
    cfg = composed("eval.metrics=[rouge1,length]").eval
    return compare(cfg, ITEMS, {"base": base, "tuned": tuned}, "greedy", 1, tmp_path)


def test_an_answer_like_the_reference_is_better_and_an_empty_one_scores_nothing(tmp_path: Path) -> None:
    base = answers(tmp_path / "base.jsonl", [""] * 8)
    tuned = answers(tmp_path / "tuned.jsonl", [i.references[0] for i in ITEMS])
    result = compared(tmp_path, base, tuned)
    rouge = result.metrics[0]
    assert (rouge.base, rouge.tuned, rouge.verdict) == (0.0, 1.0, "better")
    assert (rouge.wins, rouge.ties, rouge.losses) == (8, 0, 0)
    assert result.responses["base"]["empty"] == 1.0
    rows = list(read_jsonl(tmp_path / "items.jsonl"))
    assert rows[3]["history"] == [{"role": "user", "content": "第3晚睡不着"}]
    assert rows[3]["scores"]["tuned"]["rouge1"] == 1.0
    assert read_json(tmp_path / "metrics.json")["metrics"]["rouge1"]["tuned"] == 1.0


def test_a_model_against_itself_shows_no_difference(tmp_path: Path) -> None:
    same = answers(tmp_path / "base.jsonl", ["我在听。", "慢慢说", *["嗯"] * 6])
    for metric in compared(tmp_path, same, same).metrics:
        assert (metric.difference, metric.interval, metric.ties) == (0.0, (0.0, 0.0), 8)
        assert metric.verdict == "no evidence of a difference"


def test_a_missing_answer_is_an_error(tmp_path: Path) -> None:
    base, tuned = answers(tmp_path / "b.jsonl", ["好"] * 8), answers(tmp_path / "t.jsonl", ["好"] * 7)
    with pytest.raises(DataError, match=r"no answer for 1 of 8 items \(first: 7#1\)"):
        compared(tmp_path, base, tuned)


def test_different_prompts_are_an_error(tmp_path: Path) -> None:
    base, tuned = answers(tmp_path / "b.jsonl", ["好"] * 8), answers(tmp_path / "t.jsonl", ["好"] * 8, prompt="q")
    with pytest.raises(DataError, match="different prompts"):
        compared(tmp_path, base, tuned)


def test_one_dialogue_is_too_few(tmp_path: Path) -> None:
    answered = answers(tmp_path / "b.jsonl", ["好"])
    with pytest.raises(DataError, match="a single dialogue"):
        compare(composed().eval, ITEMS[:1], {"base": answered, "tuned": answered}, "greedy", 1, tmp_path)
