"""A file cut in pieces is the file; what does not parse in one has a reason, what is nearly JSON is read."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from mentalft.data.read import blocks
from mentalft.data.read.blocks import Block, array_blocks, blocks_of, file_blocks, line_blocks, raw_records
from mentalft.data.read.encoding import BOM
from tests.conftest import dialogue_record

HERE = Path("d.jsonl")
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
    found = list(blocks_of(path))
    assert [len(b.payload) for b in found] == [12, 12, 6]
    assert found[2].payload[-1] == {"a": "29", "b": "xy"}
    assert [len(b.payload) for b in file_blocks([path] * 7)] == [3, 3, 1]


def lines(data: bytes, start: int = 0) -> list[tuple[int | None, object, str | None]]:
    return [tuple(raw) for raw in raw_records(Block("lines", HERE, start=start, payload=data)) or ()]  # type: ignore[misc]


def array(path: Path, data: bytes, *, last: bool = True) -> list[object] | None:
    path.write_bytes(data)
    found = raw_records(Block("array", path, 1, len(data), last=last))
    return None if found is None else [raw.value for raw in found]


def test_a_line_that_is_no_json_has_its_offset_and_a_reason() -> None:
    found = lines(b'{"a":1}\n\n{"b"\n[2]\n', start=100)
    assert [(offset, value) for offset, value, _ in found] == [(100, {"a": 1}), (109, None), (114, [2])]
    assert str(found[1][2]).startswith("not JSON")


@pytest.mark.parametrize("value", ['"\\ud800"', "NaN", '"a\tb"'])
def test_json_as_it_is_found_is_read_or_named(value: str) -> None:
    ((_, found, problem),) = lines(f'{{"a":{value}}}'.encode())
    assert (found is None) == (problem is not None)
    assert value == '"a\tb"' or isinstance(found, dict)


def test_undecodable_bytes_cost_their_record_nothing_but_the_bytes() -> None:
    ((_, found, problem),) = lines(b'{"a":"x\xff"}')
    assert (found, problem) == ({"a": "x\udcff"}, None)


def test_a_byte_order_mark_is_no_part_of_the_first_record() -> None:
    assert lines(b'\xef\xbb\xbf{"a":1}')[0][1] == {"a": 1}


@pytest.mark.parametrize(
    ("data", "last", "expected"),
    [
        (b'[{"a":1}, {"a":2}]\n ', True, [{"a": 1}, {"a": 2}]),
        (b'[{"a":1}, ', False, [{"a": 1}]),
        (b'[{"a":1}', True, None),
        (b'[{"a":1},]', True, None),
        (b'[{"a":1}} ,', False, None),
        (b"[]", True, None),
    ],
)
def test_an_array_block_parses_whole_or_not_at_all(
    data: bytes, last: bool, expected: list[object] | None, tmp_path: Path
) -> None:
    assert array(tmp_path / "d.json", data, last=last) == expected


def test_a_file_that_is_no_json_is_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("来访者：嗯\n".encode())
    (tmp_path / "b.json").write_bytes(b'\xef\xbb\xbf[{"role": "user"')
    text, cut = raw_records(Block("files", tmp_path, payload=[tmp_path / "a.txt", tmp_path / "b.json"])) or ()
    assert text.value == "来访者：嗯\n"
    assert cut.problem is not None
