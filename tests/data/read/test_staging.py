"""Blocks go through in order, whoever reads them, and a reader that dies is said to have died."""

from __future__ import annotations

import json
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from mentalft.data.read import blocks, pool
from mentalft.data.read.blocks import line_blocks
from mentalft.data.read.gathering import Settings
from mentalft.data.read.staging import Collector, Reader
from mentalft.data.read.workers import Part
from mentalft.records import Rejected
from tests.conftest import dialogue_record

SETTINGS = Settings("soulchat", {}, False, "redact", ())


def at_once(*arguments: Any) -> "Future[Part | None]":
    return pool._at_once(*arguments)


def test_parts_come_in_the_order_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 800)
    rows: list[Any] = [dialogue_record(n) for n in range(40)]
    rows[7] = "no dialogue"
    path = tmp_path / "d.jsonl"
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    aside: list[Rejected] = []
    collector = Collector(aside.append)
    (tmp_path / "parts").mkdir()
    for part, name in Reader(tmp_path / "parts", at_once, SETTINGS).plain(line_blocks(path)):
        collector.add(part, name, [path.name])
    index = collector.index()
    assert len(index.parts) > 5
    assert index.arrays["record"].tolist() == [n for n in range(1, 41) if n != 8]
    assert [(r.file, r.record) for r in aside] == [("d.jsonl", 8)]
    assert [index.topics[t] for t in index.arrays["topic"][:3]] == ["话题0", "话题1", "话题2"]
    written = b"".join((tmp_path / "parts" / part.name).read_bytes() for part in index.parts)
    assert [json.loads(line)["id"] for line in written.splitlines()] == [str(n) for n in range(40) if n != 7]


def test_nothing_read_is_an_empty_index() -> None:
    index = Collector(lambda rejected: None).index()
    assert {len(column) for column in index.arrays.values()} == {0}
