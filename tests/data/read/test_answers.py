"""Answers of other people's models: laid beside the right references, by a stated rule, never a crash."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mentalft.data.items import item_row
from mentalft.data.read.answers import Source, align
from mentalft.data.read.questions import read_questions
from mentalft.errors import DataError
from mentalft.files import write_jsonl
from mentalft.records import Item, Message, Rejected, Response

REFERENCES = {"一": "好", "二": "嗯", "三": "是"}


class Laid(NamedTuple):
    items: list[Item]
    responses: dict[str, list[Response]]
    problems: list[Rejected]


def laid(references: Path, answers: dict[str, Path]) -> Laid:
    """Answers beside the questions of a file."""
    items, problems = read_questions(references, "eval.references", None)
    found = align(items, {name: Source(path, f"eval.responses.{name}") for name, path in answers.items()})
    return Laid(items, found.responses, [*problems, *found.problems])


def aligned(folder: Path, base: Any, tuned: Any, references: Any = REFERENCES) -> Laid:
    paths = {}
    for name, value in (("references", references), ("base", base), ("tuned", tuned)):
        paths[name] = folder / f"{name}.json"
        paths[name].write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return laid(paths["references"], {side: paths[side] for side in ("base", "tuned")})


def texts(found: Laid, side: str) -> list[str]:
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
    thoughts = (None, "", "先共情")
    responses = [
        Response(i.id, f"hash{i.id}", "好的", "length", 4, thought, "content filter" if thought else None)
        for i, thought in zip(items, thoughts, strict=True)
    ]
    write_jsonl(tmp_path / "items.jsonl", [item_row(i) for i in items])
    write_jsonl(tmp_path / "base.jsonl", [asdict(r) for r in responses])
    answers = Source(tmp_path / "base.jsonl", "eval.responses.base")
    assert read_questions(tmp_path / "items.jsonl", "eval.references", None) == (items, [])
    found = align(items, {"base": answers, "tuned": answers})
    assert found.responses["base"] == found.responses["tuned"] == responses
    assert found.problems == []


def test_thinking_is_no_part_of_an_answer_or_a_reference(tmp_path: Path) -> None:
    references = [{"question": q, "answer": f"<think>想</think>{a}"} for q, a in REFERENCES.items()]
    (tmp_path / "r.json").write_text(json.dumps(references), encoding="utf-8")
    rows: list[dict[str, str]] = [
        {"question": "一", "answer": "<think>\n\n</think>\n\n好"},
        {"question": "二", "answer": "好", "reasoning_content": "想"},
        {"question": "三", "answer": "<think>想"},
    ]
    write_jsonl(tmp_path / "a.jsonl", rows)
    found = laid(tmp_path / "r.json", {"base": tmp_path / "a.jsonl", "tuned": tmp_path / "a.jsonl"})
    assert [item.references for item in found.items] == [(a,) for a in REFERENCES.values()]
    assert [(r.text, r.thinking) for r in found.responses["base"]] == [("好", ""), ("好", "想"), ("", "想")]
    assert found.responses["base"][2].finish_reason == "length"


def test_answers_to_other_questions_altogether_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"eval\.responses\.tuned=.* answers none of the 3 questions"):
        aligned(tmp_path, REFERENCES, {"x": "y"})


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"eval\.responses\.base=.*none\.json does not exist"):
        align([], {"base": Source(tmp_path / "none.json", "eval.responses.base")})


def lines(path: Path, rows: list[Any]) -> Path:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


def chatml(question: str) -> str:
    return f"<|im_start|>system\n倾听<|im_end|>\n<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"


TOOLS: dict[str, Callable[[str, str, str], dict[str, Any]]] = {
    "llama_factory": lambda q, gold, said: {"prompt": chatml(q), "predict": said, "label": gold},
    "ms_swift": lambda q, gold, said: {
        "response": said, "labels": gold, "logprobs": None,
        "messages": [{"role": "user", "content": q}, {"role": "assistant", "content": said}],
    },
    "lm_eval": lambda q, gold, said: {
        "doc_id": 9, "doc": {"question": q, "answer": gold}, "target": gold, "resps": [[said]], "filtered_resps": [said],
        "arguments": {"gen_args_0": {"arg_0": chatml(q), "arg_1": {}}},
    },
    "lm_eval_earlier": lambda q, gold, said: {
        "doc": {"id": 3}, "target": gold, "resps": [[said]], "arguments": [[f"Human: {q}\nAssistant:", {"until": []}]],
    },
    "chatml": lambda q, gold, said: {"messages": [{"role": "user", "content": q}, {"role": "assistant", "content": said}]},
}  # fmt: skip


@pytest.mark.parametrize("tool", TOOLS)
def test_what_other_tools_write_is_read_as_answers(tool: str, tmp_path: Path) -> None:
    given = lines(tmp_path / "a.jsonl", [TOOLS[tool](q, a, f"{a}的") for q, a in reversed(REFERENCES.items())])
    found = laid(
        lines(tmp_path / "r.jsonl", [{"question": q, "answer": a} for q, a in REFERENCES.items()]), {"x": given}
    )
    assert (texts(found, "x"), found.problems) == ([f"{a}的" for a in REFERENCES.values()], [])


@pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool != "chatml"])
def test_what_other_tools_write_is_read_as_questions_with_the_right_answers(tool: str, tmp_path: Path) -> None:
    items, problems = read_questions(
        lines(tmp_path / "q.jsonl", [TOOLS[tool](q, a, "x") for q, a in REFERENCES.items()]), "k", None
    )
    asked = [next(m.content for m in i.messages if m.role == "user") for i in items]
    assert (asked, [i.references for i in items], problems) == ([*REFERENCES], [(a,) for a in REFERENCES.values()], [])


def test_one_question_with_two_ids_is_two_items(tmp_path: Path) -> None:
    rows = [{"id": n, "question": "睡不着", "answer": f"答{n}"} for n in range(3)]
    items, problems = read_questions(lines(tmp_path / "q.jsonl", rows), "k", None)
    assert ([i.id for i in items], problems) == (["0", "1", "2"], [])
    assert {i.dialogue_id for i in items} == {"0"}, "they are no evidence of their own"
    found = laid(tmp_path / "q.jsonl", {"ids": lines(tmp_path / "a.jsonl", rows[::-1])})
    assert (texts(found, "ids"), found.problems) == (["答0", "答1", "答2"], [])
    without = lines(tmp_path / "b.jsonl", [{"question": "睡不着", "answer": row["answer"]} for row in rows])
    assert texts(laid(tmp_path / "q.jsonl", {"none": without}), "none") == ["答0", "答1", "答2"]


def test_items_of_a_run_hold_each_contender_s_answers_and_never_pass_off_the_references(tmp_path: Path) -> None:
    row = {
        "id": "d#1",
        "history": [{"role": "user", "content": "睡不着"}],
        "references": ["好"],
        "answers": {"base": "嗯"},
    }
    path = lines(tmp_path / "items.jsonl", [row])
    found = laid(path, {"base": path})
    assert (found.items[0].references, texts(found, "base")) == (("好",), ["嗯"])
    assert texts(laid(path, {"tuned": path}), "tuned") == [""]


@pytest.mark.parametrize("cell", ["nan", "None", "N/A", "NULL", ""])
def test_an_answer_that_stands_for_nothing_is_an_empty_one(cell: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"question,answer\n一,好\n二,{cell}\n", encoding="utf-8")
    assert texts(
        laid(lines(tmp_path / "r.jsonl", [{"question": q, "answer": a} for q, a in REFERENCES.items()]), {"x": path}),
        "x",
    ) == ["好", "", ""]
