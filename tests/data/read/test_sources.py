"""Which files are meant."""

from __future__ import annotations

import json
import shlex
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from mentalft.data.read.sources import local_files, not_read, sources_of
from mentalft.data.read.staging import stage
from mentalft.data.read.workers import Settings, read_block
from mentalft.errors import DataError
from tests.conftest import dialogue_record
from tests.test_conf import composed


def at_once(*arguments: Any) -> Future[Any]:
    done: Future[Any] = Future()
    done.set_result(read_block(*arguments))
    return done


def test_a_folder_is_its_files_in_natural_order(tmp_path: Path) -> None:
    for number in (10, 2, 1):
        (tmp_path / f"{number}.json").write_text("[]")
    (tmp_path / "README.md").write_text("about")
    assert [p.stem for p in local_files(str(tmp_path))] == ["1", "2", "10"]
    assert [p.stem for p in local_files(str(tmp_path / "1*.json"))] == ["1", "10"]


@pytest.mark.parametrize("name", ["/dev/stdin", "/dev/null"])
def test_what_is_no_regular_file_is_refused_at_once(name: str) -> None:
    with pytest.raises(DataError, match=f"data.path={name} must be a regular file"):
        local_files(name)


def test_names_with_other_digits_have_their_place(tmp_path: Path) -> None:
    for name in ("1²2.json", "10.json", "9.json"):
        (tmp_path / name).write_text("[]")
    assert [p.name for p in local_files(str(tmp_path))] == ["1²2.json", "9.json", "10.json"]


def test_a_broken_archive_is_said(tmp_path: Path) -> None:
    (tmp_path / "d.json.gz").write_bytes(b"no archive")
    (tmp_path / "d.json.zst").write_bytes(b"no archive")
    for name in ("d.json.gz", "d.json.zst"):
        with pytest.raises(DataError, match=name):
            sources_of(composed("data=local", f"data.path={tmp_path / name}").data, tmp_path)


def test_the_first_file_of_many_may_be_damaged_or_hidden(tmp_path: Path) -> None:
    (tmp_path / "._0.json").write_bytes(b"\x00\x05\x16\x07")
    (tmp_path / "0.json").write_bytes(b"")
    turns = [{"role": "client", "content": "最近很累"}, {"role": "counselor", "content": "愿意说说吗"}]
    (tmp_path / "1.json").write_text(json.dumps(turns), encoding="utf-8")
    (source,) = sources_of(composed("data=local", f"data.path={tmp_path}").data, tmp_path)
    assert [p.name for p in source.files] == ["0.json", "1.json"]
    assert tuple(source.shape) == ("smilechat", True)


def test_a_folder_whose_files_lie_deeper_says_how_to_name_them(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.jsonl").write_text("{}")
    with pytest.raises(DataError, match=r"there are some below: data.path='.*/\*\*/\*\.jsonl'"):
        local_files(str(tmp_path))


def test_the_first_record_may_be_long(tmp_path: Path) -> None:
    rows = [dialogue_record(n) for n in range(3)]
    rows[0]["messages"][0]["content"] = "长" * 40_000
    (tmp_path / "d.jsonl").write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in rows), encoding="utf-8")
    (source,) = sources_of(composed("data=local", f"data.path={tmp_path / 'd.jsonl'}").data, tmp_path)
    assert source.shape.format == "soulchat"


def test_a_folder_of_several_forms_is_read_and_what_is_left_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    turns = [{"role": "client", "content": "最近很累"}, {"role": "counselor", "content": "愿意说说吗"}]
    folder = tmp_path / "f (1)"
    folder.mkdir()
    (folder / "1.json").write_text(json.dumps([dialogue_record(1)]), encoding="utf-8")
    (folder / "2.csv").write_bytes(
        "来访者,咨询师\n最近总是睡不着,我们慢慢聊聊好吗\n心里很乱，不知道怎么办,谢谢你\n".encode("gb18030")
    )
    (folder / "3.json").write_text(json.dumps(turns), encoding="utf-8")
    (folder / "4.txt").write_text("来访者：睡不着\n咨询师：多久了", encoding="utf-8")
    (folder / "5.xlsx").write_bytes(b"PK")
    (folder / "6.docx").write_bytes(b"x")
    (folder / "more").mkdir()
    cfg = composed("data=local", f"data.path='{folder}'", "data.privacy=off").data
    (source,) = sources_of(cfg, tmp_path)
    said = capsys.readouterr().out
    assert "6.docx, more/" in said
    index = stage([source], {source.name: Settings(source.shape.format, {})}, None, at_once, tmp_path / "staged")
    assert index.sources[0].encodings == {"GB18030": 1}
    assert [part.dialogues for part in index.parts if part.dialogues] == [1, 2, 2]
    (bad,) = [json.loads(line) for line in (tmp_path / "staged" / "rejected.jsonl").open(encoding="utf-8")]
    assert bad["file"] == "5.xlsx"
    assert bad["reason"].startswith("5.xlsx cannot be read as a table")


def test_what_datasets_saves_is_read(tmp_path: Path) -> None:
    import datasets

    rows = datasets.Dataset.from_list([dialogue_record(n) for n in range(4)])
    rows.save_to_disk(str(tmp_path / "one"))
    datasets.DatasetDict({"train": rows, "test": rows}).save_to_disk(str(tmp_path / "two"))
    assert [p.suffix for p in local_files(str(tmp_path / "one"))] == [".arrow"]
    assert [p.parent.name for p in local_files(str(tmp_path / "two"))] == ["test", "train"]
    assert not_read(tmp_path / "two", local_files(str(tmp_path / "two"))) == []


def test_the_pattern_that_is_suggested_works_for_any_folder(tmp_path: Path) -> None:
    folder = tmp_path / "我的 (1),a=b"
    (folder / "x").mkdir(parents=True)
    (folder / "x" / "1.jsonl").write_text("{}")
    with pytest.raises(DataError) as error:
        local_files(str(folder))
    override = shlex.split(str(error.value).partition("below: ")[2].partition("; or give")[0])[0]
    assert [p.name for p in local_files(composed("data=local", override).data.path)] == ["1.jsonl"]
