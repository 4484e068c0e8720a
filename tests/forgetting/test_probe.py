"""The embedded probe is what it says, and choice questions are read in the forms that people have."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mentalft.assets import PROBE
from mentalft.errors import DataError
from mentalft.files import read_jsonl
from mentalft.forgetting.forms import FORMS, STOPS, is_right
from mentalft.forgetting.probe import CHOICE, PARTS, own_items, probe_of
from mentalft.forgetting.records import ProbeItem
from mentalft.records import Response
from tests.test_conf import composed

CFG = composed().forgetting


def embedded(**changes: Any) -> list[ProbeItem]:
    return probe_of(composed(*(f"forgetting.{key}={value}" for key, value in changes.items())).forgetting).items


def test_the_probe_has_the_sizes_that_its_documentation_says() -> None:
    items = embedded(items="null")
    counts = Counter(item.part for item in items)
    assert counts == {"choice_en": 100, "choice_zh": 100, "instructions_en": 30, "instructions_zh": 30,
                      "arithmetic": 40, "stopping": 10}  # fmt: skip
    assert len({item.id for item in items}) == len(items)
    assert len({item.prompt for item in items}) == len(items)


@pytest.mark.parametrize("part", ["choice_en", "choice_zh"])
def test_answers_are_balanced_and_options_differ(part: str) -> None:
    rows = list(read_jsonl(PROBE / f"{part}.jsonl"))
    assert Counter(row["answer"] for row in rows) == dict.fromkeys("ABCD", 25)
    assert all(len({row[letter].casefold() for letter in "ABCD"}) == 4 for row in rows)
    items = [item for item in embedded(items="null") if item.part == part]
    assert [("A", "B", "C", "D")[item.given["answer"]] for item in items] == [row["answer"] for row in rows]


def test_every_instruction_names_a_form_and_can_be_kept() -> None:
    """Each form is given what it takes: no answer makes it fail."""
    for part in PARTS:
        for row in [] if part.startswith(CHOICE) else read_jsonl(PROBE / f"{part}.jsonl"):
            assert row["form"] in {*FORMS, STOPS}
            assert is_right(Response("", "", "x", "stop", 1), row["form"], row["given"]) in (True, False)


def test_fewer_items_are_a_sample_that_stays_the_same() -> None:
    few = embedded(items=10)
    assert set(Counter(item.part for item in few).values()) == {10}
    assert few == embedded(items=10)
    assert {item.id for item in few} <= {item.id for item in embedded(items=20)}


ROWS = [("What is 1 + 1?", ["1", "2", "2.0", "4"], 1), ("天空是什么颜色？", ["红", "绿", "黑", "蓝"], 3)]


def ceval(question: str, options: list[str], answer: int) -> dict[str, Any]:
    return {"id": 0, "question": question, **dict(zip("ABCD", options, strict=True)), "answer": "ABCD"[answer]}


def write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    import pandas as pd

    frame = pd.DataFrame(rows)
    frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_csv(path, index=path.stem == "cmmlu")


@pytest.mark.parametrize("name", ["ceval.csv", "cmmlu.csv", "mmlu.csv", "mmlu.parquet", "ceval.json"])
def test_forms_of_choice_questions(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name == "cmmlu.csv":  # Question and Answer, after a column without a name
        write_table(path, [{k.title(): v for k, v in ceval(*row).items() if k != "id"} for row in ROWS])
    elif name == "mmlu.csv":  # no head; the first row has two options that are the same
        lines = [[question, *options, "ABCD"[answer]] for question, options, answer in ROWS]
        lines[0][1:5] = ["2", "2", "1", "1"]
        path.write_text("\n".join(",".join(line) for line in lines), encoding="utf-8")
    elif name == "mmlu.parquet":
        write_table(path, [{"question": q, "choices": o, "answer": a} for q, o, a in ROWS])
    elif name == "ceval.json":
        path.write_text(json.dumps([ceval(*row) for row in ROWS]), encoding="utf-8")
    else:
        write_table(path, [ceval(*row) for row in ROWS])
    items, problems = own_items(str(path))
    assert problems == []
    assert [item.given for item in items] == [{"options": 4, "answer": 1}, {"options": 4, "answer": 3}]
    assert items[1].prompt.startswith("天空是什么颜色？\nA. 红\nB. 绿\nC. 黑\nD. 蓝\n")
    assert items[1].prompt.endswith("只回答正确选项的字母。")


def test_what_has_no_answer_is_left_out_and_named(tmp_path: Path) -> None:
    rows = [{**ceval(*ROWS[0]), "answer": ""}, ceval(*ROWS[1]), {**ceval(*ROWS[0]), "answer": "E"}]
    path = tmp_path / "val.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    items, problems = own_items(str(path))
    assert [item.id for item in items] == ["val-2"]
    assert [(p.record, p.reason) for p in problems] == [
        (1, "has no answer"), (3, "has the answer 'E', which is none of its options"),
    ]  # fmt: skip
    cfg = composed(f"forgetting.path={path}", "forgetting.items=10").forgetting
    probe = probe_of(cfg)
    assert [item.part for item in probe.items].count("own") == 1
    assert probe.notes[0].values["count"] == 2


def test_a_file_without_choice_questions_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "test.csv"
    path.write_text("id,question,A,B,C,D\n0,q,1,2,3,4\n", encoding="utf-8")
    with pytest.raises(
        DataError, match=r"forgetting\.path=.*not one choice question .*record 1 of test\.csv: has no an"
    ):
        own_items(str(path))
    with pytest.raises(DataError, match=r"forgetting\.path=nowhere does not exist"):
        own_items("nowhere")
