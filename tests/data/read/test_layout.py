"""How a file's records lie in it: seen in its beginning, read to its end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mentalft.data.read import scanning
from mentalft.data.read.layout import layout_of
from mentalft.data.read.reading import read_dialogues
from mentalft.records import Dialogue, Rejected
from tests.conftest import dialogue_record

ROWS = [dialogue_record(n) for n in range(8)]
TURNS = [{"role": "client", "content": "最近很累"}, {"role": "counselor", "content": "愿意说说吗"}]


def dumped(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


LAYOUTS = {
    "array": dumped(ROWS), "indented array": dumped(ROWS, 2), "lines": "\n".join(map(dumped, ROWS)),
    "lines with commas": ",\n".join(map(dumped, ROWS)) + ",\n", "pretty": "\n".join(dumped(row, 2) for row in ROWS),
    "pretty with commas": ",\n".join(dumped(row, 2) for row in ROWS), "concatenated": "".join(map(dumped, ROWS)),
    "wrapped": dumped({"data": ROWS}), "wrapped late": dumped({"version": 1, "about": {"a": [1]}, "items": ROWS}, 1),
    "wrapped twice": dumped({"train": ROWS[:5], "none": [], "test": ROWS[5:]}),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("chunk", [50, 1 << 20])
def test_every_layout_is_read_whole(
    name: str, bom: str, chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "CHUNK", chunk)
    path = tmp_path / "d.json"
    path.write_text(bom + LAYOUTS[name], encoding="utf-8")
    found = list(read_dialogues(path))
    assert [d.id for d in found if isinstance(d, Dialogue)] == [str(n) for n in range(8)]
    assert len(found) == 8


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (dumped(TURNS), "whole"), (dumped(["来访者：你好", "咨询师：你好"]), "whole"), ("来访者：你好\n咨询师：你好", "whole"),
        (dumped([TURNS, TURNS]), "array"), (dumped(ROWS[0]), "lines"), (dumped(ROWS[0], 2), "objects"),
        (dumped({"conversation": [{"input": "你好", "output": "你好"}]}, 1), "objects"),
        (dumped([{"role": "user", "content": "长" * 70_000}] * 2), "array"),
    ],
)  # fmt: skip
def test_a_conversation_is_told_from_a_list_of_them(text: str, kind: str, tmp_path: Path) -> None:
    (tmp_path / "d.json").write_text(text, encoding="utf-8")
    assert layout_of(tmp_path / "d.json").kind == kind


@pytest.mark.parametrize("layout", ["array", "lines", "pretty", "wrapped"])
def test_a_key_that_is_there_twice_sets_its_record_aside(layout: str, tmp_path: Path) -> None:
    text = LAYOUTS[layout].replace('"role": "user"', '"role": "system", "role": "user"', 1)
    (tmp_path / "d.json").write_text(text, encoding="utf-8")
    found = list(read_dialogues(tmp_path / "d.json"))
    assert [r.reason for r in found if isinstance(r, Rejected)] == ["the key 'role' is there twice in one object"]
    assert len(found) == 8


def test_what_follows_a_wrapped_list_is_counted(tmp_path: Path) -> None:
    (tmp_path / "d.json").write_text(dumped({"data": ROWS, "more": {"a": 1}}), encoding="utf-8")
    found = list(read_dialogues(tmp_path / "d.json"))
    assert [r.reason for r in found if isinstance(r, Rejected)] == [
        "what follows the list of records in its object is not read"
    ]
    assert len(found) == 9
