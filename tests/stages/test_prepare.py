"""What becomes of each record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mentalft.config import DataConfig
from mentalft.data.sources import sources_of
from mentalft.errors import DataError
from mentalft.files import read_json, read_jsonl
from mentalft.records import Splits
from mentalft.stages import prepare as stage
from mentalft.stages.prepare import splits_in
from tests.conftest import dialogue_record
from tests.test_conf import composed


def config(path: Path, *overrides: str) -> DataConfig:
    return composed("data=local", f"data.path={path}", *overrides).data


def prepare(cfg: DataConfig, run_dir: Path) -> Splits:
    return stage.prepare(cfg, sources_of(cfg, run_dir / "cache"), run_dir)


def written(path: Path, rows: list[Any]) -> Path:
    path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    return path


def test_every_record_is_in_one_place_and_counted(tmp_path: Path) -> None:
    rows = [dialogue_record(n) for n in range(60)]
    rows += [dialogue_record(3), {"messages": "none"}, {"id": 1, "messages": rows[0]["messages"][:1]}]
    splits = prepare(config(written(tmp_path / "d.json", rows)), tmp_path / "run")
    report = read_json(tmp_path / "run" / "data" / "report.json")
    assert (report["records"], report["duplicates"], report["rejected"]) == (63, 1, 2)
    assert sum(report["dialogues"].values()) == 60 == sum(1 for path in splits for _ in read_jsonl(path))
    assert sum(report["rejected_by_reason"].values()) == 2
    assert splits_in(tmp_path / "run") == splits


def test_records_that_share_an_id_are_told_apart(tmp_path: Path) -> None:
    rows = [{**dialogue_record(n), "id": 5} for n in range(40)]
    splits = prepare(config(written(tmp_path / "d.json", rows)), tmp_path / "run")
    ids = [row["id"] for path in splits for row in read_jsonl(path)]
    assert len(set(ids)) == 40


def test_the_system_message_is_put_before_each_dialogue_that_has_none(tmp_path: Path) -> None:
    rows = [dialogue_record(n) for n in range(40)]
    rows[0]["messages"].insert(0, {"role": "system", "content": "自己的"})
    path = written(tmp_path / "d.json", rows)
    splits = prepare(config(path, "data.system_message='共同的'"), tmp_path / "run")
    first = [row["messages"][0] for path in splits for row in read_jsonl(path)]
    assert {m["role"] for m in first} == {"system"}
    assert sorted(m["content"] for m in first) == sorted(["自己的", *["共同的"] * 39])


def test_only_the_first_dialogues_are_read_where_a_limit_is_set(tmp_path: Path) -> None:
    path = written(tmp_path / "d.json", [{"messages": 1}, *(dialogue_record(n) for n in range(60))])
    prepare(config(path, "data.max_dialogues=50"), tmp_path / "run")
    report = read_json(tmp_path / "run" / "data" / "report.json")
    assert (report["records"], sum(report["dialogues"].values())) == (51, 50)


def test_too_little_leaves_no_split_behind(tmp_path: Path) -> None:
    path = written(tmp_path / "d.json", [dialogue_record(1)])
    with pytest.raises(DataError, match="too few for"):
        prepare(config(path), tmp_path / "run")
    assert [p.name for p in (tmp_path / "run" / "data").iterdir()] == ["rejected.jsonl"]
    with pytest.raises(DataError, match="add prepare to stages"):
        splits_in(tmp_path / "run")
