"""What is written of staged dialogues: the system message once, ids of their own, repeats in train alone."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from mentalft.data.read.staging import Index, PartFile
from mentalft.data.read.workers import ARRAYS
from mentalft.data.split.places import CONFLICT
from mentalft.data.writing import APART, Writer
from mentalft.files import digest_file, read_jsonl
from mentalft.records import SourceReport
from tests.test_conf import composed

PLACES = [0, 0, 1, 2, CONFLICT]


def write(folder: Path, *, weight: float = 1, system: str | None = None, same: tuple[int, ...] = ()) -> None:
    rows: list[dict[str, Any]] = [
        {"id": f"d{n}", "topic": None, "messages": [{"role": "user", "content": '他说"messages":[嗯'}]}
        for n in range(5)
    ]
    rows[1]["messages"].insert(0, {"role": "system", "content": "自己的"})
    lines = [orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows]
    arrays = {name: np.zeros(5, np.uint64) for name in ARRAYS}
    arrays["bytes"] = np.array([len(line) for line in lines])
    arrays["system"] = np.array([False, True, False, False, False])
    arrays["record"] = np.arange(1, 6)
    source = SourceReport("corpus", "not stated", weight=weight, dialogues=5)
    index = Index(arrays, [], [PartFile("1.jsonl", "", 5, "d.json")], [source])
    same_id = np.isin(np.arange(5), same)
    cfg = composed() if system is None else composed(f"data.system_message='{system}'")
    with ExitStack() as stack:
        writer = Writer(cfg.data, index, np.array(PLACES, dtype=np.uint8), folder, stack, ())
        writer.part(index.parts[0], b"".join(lines), same_id, 0)
        writer.finish()
    writer.remember_digests(folder)


def ids(folder: Path, split: str) -> list[str]:
    return [row["id"] for row in read_jsonl(folder / f"{split}.jsonl")]


@pytest.mark.parametrize("system", [None, '共同的"messages":['])
def test_each_dialogue_is_in_its_split_with_one_system_message(system: str | None, tmp_path: Path) -> None:
    write(tmp_path, system=system)
    assert [ids(tmp_path, split) for split in ("train", "validation", "test")] == [["d0", "d1"], ["d2"], ["d3"]]
    first, second = read_jsonl(tmp_path / "train.jsonl")
    assert second["messages"][0]["content"] == "自己的"
    assert first["messages"][0]["content"] == (system or '他说"messages":[嗯')
    assert len(first["messages"]) == (2 if system else 1)
    (aside,) = read_jsonl(tmp_path / "rejected.jsonl")
    assert (aside["file"], aside["record"], aside["reason"]) == ("d.json", 5, APART)


def test_a_weighted_source_repeats_in_train_alone(tmp_path: Path) -> None:
    write(tmp_path, weight=3)
    assert ids(tmp_path, "train") == ["d0", "d0~2", "d0~3", "d1", "d1~2", "d1~3"]
    assert ids(tmp_path, "test") == ["d3"]


def test_ids_that_are_taken_get_a_number(tmp_path: Path) -> None:
    write(tmp_path, same=(1, 3))
    assert ids(tmp_path, "train") == ["d0", "d1-2"]
    assert ids(tmp_path, "test") == ["d3-2"]


def test_the_digests_it_remembers_are_those_of_the_files(tmp_path: Path) -> None:
    write(tmp_path)
    remembered = digest_file(tmp_path / "train.jsonl")
    copy = tmp_path / "copy"
    copy.write_bytes((tmp_path / "train.jsonl").read_bytes())
    assert digest_file(copy) == remembered
