"""Rows of several processes end up in one whole file, whatever a kill left."""

from __future__ import annotations

from pathlib import Path

import pytest

from mentalft.files import json_line, read_jsonl, write_jsonl
from mentalft.generation.answer_log import Row, add, finish, ids_gathered, so_far


def rows(*ids: str, text: str = "好") -> list[Row]:
    return [{"id": i, "text": text} for i in ids]


def everything(row: Row) -> bool:
    return True


def test_parts_are_put_together_in_order(tmp_path: Path) -> None:
    path = tmp_path / "base.jsonl"
    add(path, 0, rows("c", "a"))
    add(path, 1, rows("b"))
    assert finish(path, ["a", "b", "c"], everything) == rows("a", "b", "c")
    assert [p.name for p in tmp_path.iterdir()] == ["base.jsonl"]
    assert list(read_jsonl(path)) == rows("a", "b", "c")


def test_a_line_cut_short_is_dropped_and_the_rest_kept(tmp_path: Path) -> None:
    path = tmp_path / "base.jsonl"
    whole = [json_line(row) for row in rows("a", "b", "c")]
    (tmp_path / "base.partial.1.jsonl").write_text("".join(whole[:2]) + whole[2][:9], encoding="utf-8")
    add(path, 0, rows("d"))
    assert set(so_far(path, everything)) == ids_gathered(path) == {"a", "b", "d"}
    add(path, 0, rows("c"))
    assert ids_gathered(path) == {"a", "b", "d"}, "what is added meanwhile is not looked at"
    assert len(finish(path, "abcd", everything)) == 4


def test_only_what_is_still_wanted_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "base.jsonl"
    write_jsonl(path, [*rows("a"), *rows("b", text="旧"), {"no": "id"}, 3])
    assert list(so_far(path, lambda row: row["text"] == "好")) == ["a"]
    with pytest.raises(KeyError):
        finish(path, ["a", "b"], everything)
