"""A damaged array, record by record."""

from __future__ import annotations

import io
import json

import pytest

from mentalft.data.read import scanning
from mentalft.data.read.scanning import ArrayScanner, Raw
from tests.conftest import dialogue_record

RECORDS = [json.dumps(dialogue_record(n), ensure_ascii=False) for n in range(4)]


def scan(text: str) -> list[Raw]:
    return list(ArrayScanner(io.StringIO(text)).records())


def ids(found: list[Raw]) -> list[int | None]:
    return [raw.value["id"] if raw.problem is None else None for raw in found]


@pytest.mark.parametrize("chunk", [7, 64, 1 << 20])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"[{','.join(RECORDS)}]", [0, 1, 2, 3]),
        (f"[{RECORDS[0]},{RECORDS[1][:-9]},{RECORDS[2]}]", [0, None, 2]),
        (f"[{RECORDS[0]},{RECORDS[1][:40]}", [0, None]),
        (f"[{RECORDS[0]}{RECORDS[1]},{RECORDS[2]}]", [None, 1, 2]),
        (f"[{RECORDS[0]},,{RECORDS[1]}]", [0, 1]),
        ("[]", []),
        ("[ ", [None]),
    ],
)
def test_damage_costs_the_damaged_record(
    text: str, expected: list[int | None], chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "CHUNK", chunk)
    assert ids(scan(text)) == expected


def test_offsets_are_those_of_the_file_in_bytes() -> None:
    text = f"[{','.join(RECORDS)}]"
    offsets = [raw.offset for raw in scan(text)]
    assert [text.encode()[o : o + 5] for o in offsets if o is not None] == [b'{"id"'] * 4


def test_it_stops_before_a_known_place() -> None:
    text = f"[{RECORDS[0]},{RECORDS[1]},{RECORDS[2]}]"
    place = len(f"[{RECORDS[0]},{RECORDS[1]},".encode())
    scanner = ArrayScanner(io.StringIO(text))
    assert ids(list(scanner.records(stop_at={place}))) == [0, 1]
    assert scanner.stopped_at == place


def test_deep_nesting_is_a_reason_not_a_crash() -> None:
    found = scan(f"[{'[' * 100_000},{RECORDS[0]}]")
    assert found[0].problem is not None
