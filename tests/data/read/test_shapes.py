"""What form a file has, and that each form is read."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import zstandard

from mentalft.data.read.reading import read_dialogues
from mentalft.data.read.shapes import shape_of
from mentalft.errors import DataError
from mentalft.records import Dialogue, Message

EXCHANGE = (Message("user", "最近很累"), Message("assistant", "愿意说说吗"))
TURNS = [{"role": "client", "content": "最近很累"}, {"role": "counselor", "content": "愿意说说吗"}]
FORMS: dict[str, tuple[str, Any]] = {
    "soulchat": ("d.json", [{"id": 1, "topic": "睡眠", "messages": [m.chat() for m in EXCHANGE]}]),
    "emollm": ("d.json", [{"conversation": [{"input": "最近很累", "output": "愿意说说吗"}]}]),
    "sharegpt": (
        "d.json",
        [{"conversations": [{"from": "human", "value": "最近很累"}, {"from": "gpt", "value": "愿意说说吗"}]}],
    ),
    "alpaca": ("d.json", [{"instruction": "最近很累", "input": "", "output": "愿意说说吗", "history": []}]),
    "smilechat": ("12.json", TURNS),
    "cpsycoune": ("d.json", ["求助者：最近很累", "支持者：愿意说说吗"]),
    "cpsycound": ("d.txt", "来访者：最近\n很累\n心理咨询师：愿意说说吗\n"),
    "psyqa": (
        "d.json",
        [{"question": "最近很累", "description": "", "keywords": "睡眠,累", "questionID": 3,
          "answers": [{"answer_text": "愿意说说吗"}, {"answer_text": "先歇一歇"}]}],
    ),
    "esconv": (
        "d.json",
        [{"dialog": [{"speaker": "seeker", "content": "最近很累"}, {"speaker": "supporter", "content": "愿意说说吗"}]}],
    ),
    "table": ("d.csv", "questionTitle,questionText,answerText\n,最近很累,愿意说说吗\n"),
}  # fmt: skip


def write(folder: Path, name: str, value: Any) -> Path:
    path = folder / name
    path.write_text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return path


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_found_out_and_read(form: str, tmp_path: Path) -> None:
    path = write(tmp_path, *FORMS[form])
    assert shape_of(path).format == form
    (found,) = read_dialogues(path)
    assert isinstance(found, Dialogue)
    said = ["".join(m.content.split()) for m in found.messages]
    assert said == [m.content for m in EXCHANGE]
    assert [m.role for m in found.messages] == ["user", "assistant"]
    (again,) = read_dialogues(path, form)
    assert again == found


def test_several_references_are_kept(tmp_path: Path) -> None:
    (found,) = read_dialogues(write(tmp_path, *FORMS["psyqa"]))
    assert isinstance(found, Dialogue)
    assert (found.references, found.topic, found.id) == (("先歇一歇",), "睡眠", "3")


def test_history_of_alpaca_comes_first(tmp_path: Path) -> None:
    record = {
        "instruction": "睡不着",
        "input": "",
        "output": "多久了",
        "history": [["你好", "你好呀"]],
        "system": "倾听",
    }
    (found,) = read_dialogues(write(tmp_path, "d.json", [record]))
    assert isinstance(found, Dialogue)
    assert [m.content for m in found.messages] == ["倾听", "你好", "你好呀", "睡不着", "多久了"]


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize("layout", ["array", "lines"])
def test_compressed_files_are_read_as_they_are(suffix: str, layout: str, tmp_path: Path) -> None:
    rows = FORMS["soulchat"][1] * 3
    text = json.dumps(rows) if layout == "array" else "\n".join(map(json.dumps, rows))
    compress = gzip.compress if suffix == ".gz" else zstandard.compress
    path = tmp_path / f"d.json{suffix}"
    path.write_bytes(compress(text.encode()))
    assert [d.messages for d in read_dialogues(path) if isinstance(d, Dialogue)] == [EXCHANGE] * 3


def test_tab_separated_and_parquet_tables(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    write(tmp_path, "d.tsv", "Context\tResponse\n最近很累\t愿意说说吗\n")
    pq.write_table(pa.table({"Context": ["最近很累"], "Response": ["愿意说说吗"]}), tmp_path / "d.parquet")
    for name in ("d.tsv", "d.parquet"):
        (found,) = read_dialogues(tmp_path / name)
        assert isinstance(found, Dialogue)
        assert found.messages == EXCHANGE


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: None, "does not exist"),
        (lambda p: p.mkdir(), "is a directory without data files"),
        (lambda p: p.write_text(""), "is empty"),
        (lambda p: p.write_text(" \n\n"), "is empty"),
        (lambda p: p.write_text("PK something"), "nothing that parses as JSON"),
        (lambda p: p.write_text('[{"question": "a"}]'), "the keys question"),
        (lambda p: p.write_text("[1, 2]"), "set data.format"),
        (lambda p: p.write_bytes(b"PK\x03\x04\x00\x00"), "nothing that parses as JSON"),
        (lambda p: p.write_text("[]"), "nothing that parses as JSON"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_what_is_accepted(make: Any, words: str, tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    make(path)
    with pytest.raises(DataError, match=words) as error:
        list(read_dialogues(path))
    assert str(path) in str(error.value)
    assert "soulchat" in str(error.value)


def parquet(path: Path, **columns: list[Any]) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table(columns), path)
    return path


def test_a_parquet_column_of_turns_is_a_dialogue(tmp_path: Path) -> None:
    path = parquet(tmp_path / "d.parquet", messages=[[m.chat() for m in EXCHANGE]])
    assert shape_of(path).format == "soulchat"
    (found,) = read_dialogues(path)
    assert isinstance(found, Dialogue)
    assert found.messages == EXCHANGE


def test_an_instruction_is_part_of_the_question_in_every_container(tmp_path: Path) -> None:
    rows = [{"instruction": "倾听", "input": "最近很累", "output": "愿意说说吗"}] * 2
    paths = [
        parquet(tmp_path / "d.parquet", **{name: [row[name] for row in rows] for name in rows[0]}),
        write(tmp_path, "d.csv", "\n".join(map(",".join, [list(rows[0]), *(list(row.values()) for row in rows)]))),
        write(tmp_path, "d.jsonl", "\n".join(map(json.dumps, rows))),
    ]
    for path in paths:
        assert shape_of(path).format == "alpaca"
        (first, _) = read_dialogues(path)
        assert isinstance(first, Dialogue)
        assert first.messages == (Message("user", "倾听\n最近很累"), EXCHANGE[1])


def test_a_table_without_known_columns_says_which_it_has(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("Frage,Antwort\n最近很累,愿意说说吗\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"Frage, Antwort; say which they are: 'data\.columns="):
        shape_of(path)
    named = {"question": "Frage", "answer": "Antwort"}
    assert shape_of(path, None, named).format == "table"
    with pytest.raises(DataError, match="no column Answer; it has Frage, Antwort"):
        shape_of(path, None, {**named, "answer": "Answer"})
    rows = write(tmp_path, "d.json", [{"Frage": "最近很累", "Antwort": "愿意说说吗"}])
    assert shape_of(rows, None, named).format == "table"
    path.write_text("我叫李雷，手机13812345678,好的\n最近很累,愿意说说吗\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"it has 我叫\[NAME\]，手机\[PHONE\], 好的"):
        shape_of(path)  # without a head, its first row stands where names should
    (tmp_path / "empty.csv").write_text("question,answer\n")
    with pytest.raises(DataError, match="no rows"):
        shape_of(tmp_path / "empty.csv")
