"""A file cut in pieces is the file."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from mentalft.data.read import blocks
from mentalft.data.read.block_records import raw_records
from mentalft.data.read.blocks import array_blocks, file_blocks, line_blocks, table_blocks
from mentalft.data.read.encoding import BOM
from tests.conftest import dialogue_record

ROWS = [dialogue_record(n) for n in range(50)]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 1000)
    monkeypatch.setattr(blocks, "ROWS", 12)


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("bom", [b"", BOM])
def test_an_array_is_cut_between_records_and_nothing_is_left_out(
    indent: int | None, bom: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "d.json"
    path.write_bytes(bom + json.dumps(ROWS, ensure_ascii=False, indent=indent).encode())
    found = array_blocks(path)
    assert len(found) > 5
    assert [b.start for b in found[1:]] == [b.end for b in found[:-1]]
    assert [b.last for b in found] == [False] * (len(found) - 1) + [True]
    assert [raw.value for block in found for raw in raw_records(block) or ()] == ROWS


def test_what_is_no_array_of_objects_is_left_to_the_scanner(tmp_path: Path) -> None:
    for text in ("[1, 2]", "[]", "[", "{}"):
        path = tmp_path / "d.json"
        path.write_text(text, encoding="utf-8")
        assert array_blocks(path) == []
    with gzip.open(tmp_path / "d.json.gz", "wb") as handle:
        handle.write(json.dumps(ROWS).encode())
    assert array_blocks(tmp_path / "d.json.gz") == []


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("final", [True, False])
def test_lines_are_cut_at_their_ends_with_their_offsets(end: str, final: bool, tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    text = end.join(json.dumps(row, ensure_ascii=False) for row in ROWS) + end * final
    path.write_bytes(text.encode())
    found = list(line_blocks(path))
    assert len(found) > 5
    assert b"".join(b.payload for b in found) == text.encode()
    raws = [raw for block in found for raw in raw_records(block) or ()]
    assert [raw.value for raw in raws] == ROWS
    for raw in raws:
        assert raw.offset is not None
        assert text.encode()[raw.offset : raw.offset + 5] == b'{"id"'


def test_tables_and_small_files_come_some_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "d.tsv"
    path.write_text("\ufeffa\tb\n" + "".join(f"{n}\tx\0y\n" for n in range(30)), encoding="utf-8")
    found = list(table_blocks(path))
    assert [len(b.payload) for b in found] == [12, 12, 6]
    assert found[2].payload[-1] == {"a": "29", "b": "xy"}
    assert [len(b.payload) for b in file_blocks([path] * 7)] == [3, 3, 1]
