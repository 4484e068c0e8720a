"""The user's own questions: every usual form is read, what is wrong in it is said record by record."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentalft.data.read.compressed import CUT
from mentalft.data.read.questions import read_entries, read_questions
from mentalft.errors import DataError
from mentalft.records import Item, Message, Rejected

QA = {"失眠怎么办": "先固定起床时间。", "考试前紧张": "紧张很常见，可以先慢慢呼吸。"}


def read(path: Path, text: str | bytes, system: str | None = None) -> tuple[list[Item], list[Rejected]]:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_questions(path, "eval.questions", system)


def dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", dumped(QA)),
        ("b.json", dumped([{"question": q, "answer": a} for q, a in QA.items()])),
        ("c.json", dumped([{"question": q, "references": [a]} for q, a in QA.items()])),
        ("d.jsonl", "\n".join(dumped({"question": q, "answers": [a]}) for q, a in QA.items())),
        ("e.json", "\n".join(dumped({"question": q, "answers": [a]}) for q, a in QA.items()) + "\n"),
        ("f.csv", "question,answer\r\n" + "\r\n".join(f"{q},{a}" for q, a in QA.items())),
        ("i.csv", ("question,answer\n" + "\n".join(f"{q},{a}" for q, a in QA.items())).encode("gb18030")),
        ("h.tsv", "question\tanswer\n" + "\n".join(f"{q}\t{a}" for q, a in QA.items())),
        ("g.csv", "\ufeffquestion,references\n" + "\n".join(f'{q},"[""{a}""]"' for q, a in QA.items())),
    ],
)
def test_every_form_gives_the_same_items(name: str, text: str | bytes, tmp_path: Path) -> None:
    items, problems = read(tmp_path / name, text)
    assert problems == []
    assert [(i.messages, i.references) for i in items] == [((Message("user", q),), (a,)) for q, a in QA.items()]
    assert len({i.dialogue_id for i in items}) == 2


def test_a_file_in_another_encoding_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = ("question,answer\n" + "\n".join(f"{q},{a}" for q, a in QA.items())).encode("gb18030")
    for _ in range(2):
        read(tmp_path / "once.csv", text)
    assert " ".join(capsys.readouterr().out.split()).count("is not in UTF-8 but in GB18030, and is read so") == 1


def test_ids_topics_systems_and_several_references_are_kept(tmp_path: Path) -> None:
    row = {"id": 7, "topic": "睡眠", "system": "你是咨询师", "question": "睡不着", "references": ["好", "嗯", "好"]}
    ((item,), _) = read(tmp_path / "a.json", dumped([row]), system="别的")
    assert (item.id, item.topic, item.references) == ("7", "睡眠", ("好", "嗯"))
    assert item.messages == (Message("system", "你是咨询师"), Message("user", "睡不着"))
    ((plain,), _) = read(tmp_path / "b.json", dumped({"睡不着": ["好", "嗯"]}), system="别的")
    assert plain.messages[0] == Message("system", "别的")
    assert plain.references == ("好", "嗯")


def test_what_is_wrong_is_said_record_by_record(tmp_path: Path) -> None:
    rows = [
        {"question": "一", "answer": "好"}, {"question": "二"}, {"question": 3, "answer": "好"}, {"answer": "好"},
        {"question": "四", "answer": {"a": 1}}, {"question": " 一 ", "answer": "又"}, "五", None, 6, ["七"],
        {"question": "八", "answer": "  "}, {"question": "九", "answer": ["好", 2]}, {"messages": [{"role": "user"}], "answer": "好"},
        {"id": "x", "question": "十", "answer": "好"}, {"id": "x", "question": "十一", "answer": "好"},
    ]  # fmt: skip
    items, problems = read(tmp_path / "q.json", dumped(rows))
    assert [i.references for i in items] == [("好",), ("好",)]
    assert [p.record for p in problems] == [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15]
    assert all(p.file == "q.json" and p.reason for p in problems)


def test_a_question_that_is_twice_in_an_object_is_seen(tmp_path: Path) -> None:
    items, problems = read(tmp_path / "q.json", '{"一": "好", "二": "嗯", "一": "又"}')
    assert [i.references for i in items] == [("好",), ("嗯",)]
    assert [(p.record, "already" in p.reason) for p in problems] == [(3, True)]


def test_a_question_that_is_twice_is_named_by_its_text_unless_the_file_has_ids(tmp_path: Path) -> None:
    _, (problem,) = read(tmp_path / "q.csv", "question,answer\n一,好\n一,又\n")
    assert problem.reason == "'一' is there already; the first one counts"
    rows = [{"id": "x", "question": q, "answer": "好"} for q in "一二"]
    _, (problem,) = read(tmp_path / "q.json", dumped(rows))
    assert problem.reason == "id 'x' is there already; the first one counts"


def test_a_damaged_line_is_set_aside(tmp_path: Path) -> None:
    items, problems = read(tmp_path / "q.jsonl", '{"question": "一", "answer": "好"}\n{"question": "二", "ans\n')
    assert len(items) == 1
    assert problems[0].record == 2


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("absent.json", None, "does not exist"),
        ("cut.json", b'{"a": "b', "neither JSON nor JSONL"),
        ("gbk.json", b'{"a": "' + "你好，睡不着".encode("gb18030") + b'"}', "it looks like GB18030, which is not sure"),
        ("broken.json", b'{"a": "b\xff"}', "is not in UTF-8 .* at byte 8"),
        ("none.json", b"{}", "not one question"),
        ("empty.json", b" \n", "is empty; give a JSON"),
        ("empty.csv", b"", "is empty"),
        ("numbers.json", b"[1, 2, 3]", "record 1: is a number, not a record.*give a JSON object"),
        ("number.json", b"3", "holds a number; give a JSON object"),
        ("other.json", b'[{"a": 1}]', "record 1: has no question"),
        ("deep.json", b"[" * 100_000, "not JSON: nested too deeply"),
    ],
)
def test_a_file_of_no_use_is_one_clear_message(name: str, content: bytes | None, words: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=words) as raised:
        read_questions(tmp_path / name, "eval.questions", None)
    assert "eval.questions=" in str(raised.value)


values = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda v: st.lists(v, max_size=3) | st.dictionaries(st.sampled_from(["question", "answer", "references", "id", "messages", "role", "content", "topic", "system"]), v, max_size=4), max_leaves=12)  # fmt: skip


@settings(deadline=None, max_examples=400)
@given(values)
def test_no_json_value_crashes_the_reader(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    try:
        list(read_entries(path, "key"))
        items, _ = read_questions(path, "key", None)
    except DataError:
        return
    assert all(i.references and i.messages[-1].role == "user" for i in items)


@pytest.mark.parametrize(("name", "content"), [("d.parquet", b"PAR1 and no more"), ("d.parquet", b"plain text")])
def test_a_damaged_table_is_one_clear_message(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=f"{name} cannot be read as a table .*; mend it, or get it again"):
        read_questions(tmp_path / name, "eval.questions", None)


@pytest.mark.parametrize("name", ["q.json.gz", "q.jsonl.gz", "q.csv.gz"])
def test_a_compressed_file_that_is_cut_is_said_to_be(name: str, tmp_path: Path) -> None:
    rows = [{"question": f"第{n}个问题，{n * n}", "answer": f"答{n}"} for n in range(4000)]
    text = {
        "q.json.gz": dumped(rows),
        "q.jsonl.gz": "\n".join(map(dumped, rows)),
        "q.csv.gz": "question,answer\n" + "\n".join(",".join(row.values()) for row in rows),
    }[name]
    whole = gzip.compress(text.encode())
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    items, problems = read_questions(tmp_path / name, "eval.questions", None)
    assert 0 < len(items) < len(rows)
    assert CUT in [problem.reason for problem in problems]


def test_half_a_surrogate_pair_can_be_written_afterwards(tmp_path: Path) -> None:
    (item,), _ = read(tmp_path / "q.json", '{"a\\ud83d": "b\\ud83d"}')
    (item.messages[0].content + item.references[0]).encode("utf-8")


def test_a_file_is_read_compressed_too_and_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    rows = [{"question": f"{q}\u2028\x85", "answer": a} for q, a in QA.items()]
    text = "\n".join(dumped(row) for row in rows)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    items, problems = read_questions(tmp_path / "a.jsonl.gz", "eval.questions", None)
    assert problems == []
    assert [i.references[0] for i in items] == list(QA.values())


@pytest.mark.parametrize("name", ["/dev/stdin", "/dev/null", "."])
def test_what_is_no_regular_file_is_refused_at_once(name: str) -> None:
    with pytest.raises(DataError, match="must be a regular file"):
        read_questions(Path(name), "eval.questions", None)
