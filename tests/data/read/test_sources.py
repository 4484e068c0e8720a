"""Which files are meant."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mentalft.data.read.sources import local_files, sources_of
from mentalft.errors import DataError
from tests.conftest import dialogue_record
from tests.test_conf import composed


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
