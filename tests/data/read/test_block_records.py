"""Records of one block: what does not parse has a reason, what is nearly JSON is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from mentalft.data.read.block_records import raw_records
from mentalft.data.read.blocks import Block

HERE = Path("d.jsonl")


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
