"""Files are written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from mentalft.errors import DataError
from mentalft.files import (
    default_cache_dir,
    read_jsonl,
    sha256_folder,
    sha256_json,
    temporary_folder,
    write_json,
    write_jsonl,
    write_text,
    written_whole,
)  # fmt: skip


def test_an_error_leaves_the_old_file_and_no_temporary_one(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def fail() -> None:
        with written_whole(path) as handle:
            handle.write("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_temporary_folder_is_gone_however_it_ends(tmp_path: Path) -> None:
    with temporary_folder(tmp_path / "f") as folder:
        (folder / "x").write_text("new")
        (folder / "x").replace(tmp_path / "x")

    def fail() -> None:
        with temporary_folder(tmp_path / "f") as folder:
            (folder / "x").write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_json_never_holds_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"loss": float("nan")})
    assert not list(tmp_path.iterdir())


def test_jsonl_comes_back_and_a_cut_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = [{"text": "你好\u2028 “引号” \n"}, {"text": ""}]
    assert write_jsonl(path, rows) == 2
    assert list(read_jsonl(path)) == rows
    path.write_text('{"a": 1}\n{"a": ', encoding="utf-8")
    with pytest.raises(DataError, match="line 2"):
        list(read_jsonl(path))


def test_hashes_follow_content(tmp_path: Path) -> None:
    assert sha256_json({"a": 1, "b": 2}) == sha256_json({"b": 2, "a": 1})
    (tmp_path / "w").write_text("1")
    before = sha256_folder(tmp_path)
    (tmp_path / "w").write_text("2")
    assert sha256_folder(tmp_path) != before


def test_the_default_cache_is_a_folder_of_the_user_s(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert Path.home() in default_cache_dir().parents
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache_dir() == tmp_path / "mentalft"
