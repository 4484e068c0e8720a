"""What one process makes of one block."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mentalft.data.read.blocks import Block
from mentalft.data.read.gathering import Settings
from mentalft.data.read.workers import ARRAYS, Part, read_block
from mentalft.data.split.fingerprints import keys_of
from mentalft.files import read_jsonl
from mentalft.records import Dialogue
from tests.conftest import dialogue_record

SETTINGS = Settings("soulchat", {}, False, "redact", ())


def read(rows: list[object], folder: Path, most: int | None = None) -> Part:
    data = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()
    part = read_block(Block("lines", Path("d.jsonl"), payload=data), SETTINGS, folder / "p.jsonl", most)
    assert part is not None
    return part


def test_each_dialogue_has_a_row_in_every_array(tmp_path: Path) -> None:
    rows = [dialogue_record(0), 5, dialogue_record(1, exchanges=3), {"messages": []}, dialogue_record(2)]
    rows[4]["messages"].insert(0, {"role": "system", "content": "听"})  # type: ignore[index]
    part = read(rows, tmp_path)
    assert (part.records, part.record.tolist(), [r.record for r in part.rejected]) == (5, [1, 3, 5], [2, 4])
    assert {len(getattr(part, name)) for name in ARRAYS} == {3}
    written = [Dialogue.from_json(row) for row in read_jsonl(tmp_path / "p.jsonl")]
    assert part.turns.tolist() == [2, 3, 2]
    assert part.system.tolist() == [False, False, True]
    said = [[m.content for m in d.messages if m.role != "system"] for d in written]
    assert part.characters.tolist() == [sum(map(len, contents)) for contents in said]
    assert part.bytes.sum() == (tmp_path / "p.jsonl").stat().st_size
    assert np.array_equal(part.bands, keys_of(written).bands)


@pytest.mark.parametrize("nothing", ["\x00", "\x02", "\u2028"])
def test_a_dialogue_of_which_nothing_is_left_costs_no_other(nothing: str, tmp_path: Path) -> None:
    empty = {"id": 1, "messages": [{"role": "user", "content": nothing}, {"role": "assistant", "content": nothing}]}
    part = read([dialogue_record(0), empty, dialogue_record(1)], tmp_path)
    assert (part.records, part.record.tolist(), [r.record for r in part.rejected]) == (3, [1, 3], [2])


def test_it_stops_when_it_has_enough(tmp_path: Path) -> None:
    part = read([7, *(dialogue_record(n) for n in range(9))], tmp_path, most=3)
    assert (part.records, len(part.bytes)) == (4, 3)


def test_of_several_files_the_one_that_was_set_aside_is_named(tmp_path: Path) -> None:
    names = []
    for number in range(3):
        names.append(tmp_path / f"{number}.json")
        names[-1].write_text('[{"role": "user"' if number == 1 else json.dumps(dialogue_record(number)["messages"]))
    settings = Settings("smilechat", {}, False, "redact", ())
    part = read_block(Block("files", tmp_path, payload=names), settings, tmp_path / "p.jsonl")
    assert part is not None
    assert [(r.file, r.record) for r in part.rejected] == [("1.json", 2)]
