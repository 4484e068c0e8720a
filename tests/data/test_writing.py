"""What is written of staged dialogues: ids of their own, repeats in train alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson

from mentalft.data.read.sources import sources_of
from mentalft.data.read.staging import REJECTED, Index, PartFile
from mentalft.data.read.workers import ROW
from mentalft.data.split.places import CONFLICT
from mentalft.data.writing import APART, write_rejected, write_splits
from mentalft.files import digest_file, read_jsonl
from mentalft.records import SourceReport
from tests.test_conf import composed

PLACES = [0, 0, 1, 2, CONFLICT]


def write(folder: Path, *, weight: float = 1, same: tuple[int, ...] = ()) -> None:
    lines = [orjson.dumps({"id": f"d{n}", "messages": []}, option=orjson.OPT_APPEND_NEWLINE) for n in range(5)]
    folder.joinpath("part").write_bytes(b"".join(lines))
    folder.joinpath(REJECTED).write_text('{"file": "d.json", "record": 9, "reason": "x"}\n', encoding="utf-8")
    rows = np.zeros(5, ROW)
    rows["bytes"] = [len(line) for line in lines]
    rows["record"] = np.arange(1, 6)
    rows["id"] = [0 if n in same else n for n in range(5)]
    source = SourceReport("corpus", "not stated", weight=weight, dialogues=5)
    index = Index(parts=[PartFile("part", "", 5, "d.json")], sources=[source], rows=rows)
    places = np.array(PLACES, dtype=np.uint8)
    (folder / "data").mkdir()
    write_splits(folder, index, places, folder / "data")
    (corpus,) = sources_of(composed().data, folder)
    write_rejected(folder, index, [corpus], folder / "data", places)


def ids(folder: Path, split: str) -> list[str]:
    return [row["id"] for row in read_jsonl(folder / "data" / f"{split}.jsonl")]


def test_each_dialogue_is_in_its_split_or_set_aside_with_what_was_before(tmp_path: Path) -> None:
    write(tmp_path)
    assert [ids(tmp_path, split) for split in ("train", "validation", "test")] == [["d0", "d1"], ["d2"], ["d3"]]
    first, last = read_jsonl(tmp_path / "data" / REJECTED)
    assert first["record"] == 9
    assert last == {"file": "d.json", "record": 5, "reason": APART}


def test_a_weighted_source_repeats_in_train_alone(tmp_path: Path) -> None:
    write(tmp_path, weight=3)
    assert ids(tmp_path, "train") == ["d0", "d0~2", "d0~3", "d1", "d1~2", "d1~3"]
    assert ids(tmp_path, "test") == ["d3"]


def test_ids_that_are_taken_get_a_number(tmp_path: Path) -> None:
    write(tmp_path, same=(0, 1, 3))
    assert ids(tmp_path, "train") == ["d0", "d1-2"]
    assert ids(tmp_path, "test") == ["d3-2"]


def test_the_digests_it_remembers_are_those_of_the_files(tmp_path: Path) -> None:
    write(tmp_path)
    remembered = digest_file(tmp_path / "data" / "train.jsonl")
    copy = tmp_path / "copy"
    copy.write_bytes((tmp_path / "data" / "train.jsonl").read_bytes())
    assert digest_file(copy) == remembered
