"""Answers of other people's models: laid beside the right references, by a stated rule, never a crash."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from mentalft.data.items import item_row
from mentalft.data.read.answers import Aligned, Source, align
from mentalft.data.read.questions import read_questions
from mentalft.errors import DataError
from mentalft.files import write_jsonl
from mentalft.records import Item, Message, Response

REFERENCES = {"一": "好", "二": "嗯", "三": "是"}


def aligned(folder: Path, base: Any, tuned: Any, references: Any = REFERENCES) -> Aligned:
    paths = {}
    for name, value in (("references", references), ("base", base), ("tuned", tuned)):
        paths[name] = folder / f"{name}.json"
        paths[name].write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    items, problems = read_questions(paths["references"], "eval.references", None)
    found = align(items, {side: Source(paths[side], f"eval.responses.{side}") for side in ("base", "tuned")})
    return found._replace(problems=[*problems, *found.problems])


def texts(found: Aligned, side: str) -> list[str]:
    return [r.text for r in found.responses[side]]


def test_plain_files_are_found_by_question_whatever_their_order(tmp_path: Path) -> None:
    found = aligned(tmp_path, {"三": "c", "一": " a ", "二": "b"}, [{"question": q, "answer": q} for q in "一二三"])
    assert texts(found, "base") == ["a", "b", "c"]
    assert texts(found, "tuned") == ["一", "二", "三"]
    assert found.problems == []
    for base, tuned in zip(found.responses["base"], found.responses["tuned"], strict=True):
        assert (base.id, base.prompt_sha256) == (tuned.id, tuned.prompt_sha256)


def test_missing_extra_double_and_wrong_answers_are_reported_and_scored_by_the_rule(tmp_path: Path) -> None:
    base = {"一": "a", "二": ["b", "c"], "四": "d"}
    tuned = [
        {"question": "一", "answer": "a"},
        {"question": "一", "answer": "z"},
        {"question": "二", "answer": None},
        5,
    ]
    found = aligned(tmp_path, base, tuned)
    assert texts(found, "base") == ["a", "", ""]
    assert texts(found, "tuned") == ["a", "", ""]
    assert found.responses["base"][2].finish_reason == "missing"
    said = [(p.file, p.record, p.reason) for p in found.problems]
    assert [s[:2] for s in said] == [
        ("base.json", 2), ("base.json", 3), ("base.json", None),
        ("tuned.json", 2), ("tuned.json", 3), ("tuned.json", 4), ("tuned.json", None),
    ]  # fmt: skip
    words = [
        "the answer to '二' is a list, not text", "'四' is not among the references; it is left out", "no answer to '三'",
        "answers '一', the same question as record 1", "the answer to '二' is null", "not a record", "no answer to '三'",
    ]  # fmt: skip
    assert all(word in reason for word, (_, _, reason) in zip(words, said, strict=True))


def test_a_long_question_is_cut_and_an_id_of_the_file_is_said(tmp_path: Path) -> None:
    question = "我最近\n总是睡不着，" * 20
    references = [{"id": n, "question": f"{n}{question}", "answer": "好"} for n in (7, 8)]
    found = aligned(tmp_path, [{"id": 7, "answer": "好"}], references, references)
    text = "8" + "我最近 总是睡不着，" * 20
    assert found.problems[0].reason == f"no answer to id '8' ('{text[:39]}…'); it scores as an empty one"


def test_an_empty_answer_is_an_answer_and_no_problem(tmp_path: Path) -> None:
    found = aligned(tmp_path, {"一": "", "二": "b", "三": "c"}, REFERENCES)
    assert texts(found, "base")[0] == ""
    assert found.problems == []


def test_our_own_files_are_read_back(tmp_path: Path) -> None:
    items = [
        Item(f"d#{n}", "d", "睡眠", (Message("system", "s"), Message("user", f"问{n}")), ("好", "嗯")) for n in range(3)
    ]
    responses = [Response(i.id, f"hash{i.id}", "好的", "length", 4) for i in items]
    write_jsonl(tmp_path / "items.jsonl", [item_row(i) for i in items])
    write_jsonl(tmp_path / "base.jsonl", [asdict(r) for r in responses])
    answers = Source(tmp_path / "base.jsonl", "eval.responses.base")
    assert read_questions(tmp_path / "items.jsonl", "eval.references", None) == (items, [])
    found = align(items, {"base": answers, "tuned": answers})
    assert found.responses["base"] == found.responses["tuned"] == responses
    assert found.problems == []


def test_answers_to_other_questions_altogether_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"eval\.responses\.tuned=.* answers none of the 3 questions"):
        aligned(tmp_path, REFERENCES, {"x": "y"})


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"eval\.responses\.base=.*none\.json does not exist"):
        align([], {"base": Source(tmp_path / "none.json", "eval.responses.base")})
