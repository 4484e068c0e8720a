"""What becomes of each record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mentalft.config import DataConfig
from mentalft.data import prepare as stage
from mentalft.data.prepare import splits_in
from mentalft.data.read.forms import NOT_GOOD
from mentalft.data.read.pool import processes
from mentalft.data.read.sources import sources_of
from mentalft.data.split.places import CONFLICT, placed
from mentalft.errors import DataError
from mentalft.files import read_json, read_jsonl
from mentalft.records import Splits
from mentalft.runs.files import DATA_REPORT, REJECTED
from mentalft.runs.loop import run_stage
from mentalft.runs.stage import Context
from mentalft.stages import PREPARE
from tests.conftest import dialogue_record
from tests.recorded import record
from tests.test_conf import composed


def config(path: Path, *overrides: str) -> DataConfig:
    return composed("data=local", f"data.path={path}", *overrides).data


def prepare(cfg: DataConfig, run_dir: Path, *, audit: bool = False) -> Splits:
    with processes(0, 1) as submit:
        return stage.prepare(cfg, sources_of(cfg, run_dir / "cache"), run_dir, submit, audit=audit)


def written(path: Path, rows: list[Any]) -> Path:
    path.parent.mkdir(exist_ok=True)
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
    assert DATA_REPORT.load(tmp_path / "run").rejected_by_reason == report["rejected_by_reason"]
    assert [(row.file, row.record, row.source) for row in REJECTED.load(tmp_path / "run")] == [
        ("d.json", 62, None), ("d.json", 63, None),
    ]  # fmt: skip
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


def test_several_sources_with_a_cap_and_weights(tmp_path: Path) -> None:
    a = written(tmp_path / "a.json", [dialogue_record(n) for n in range(60)])
    b = tmp_path / "b.csv"
    b.write_text(
        "question,answer\n"
        + "\n".join(",".join(m["content"] for m in dialogue_record(n)["messages"][:2]) for n in range(100, 160)),
        encoding="utf-8",
    )
    spec = f"data.sources=[{{path: {a}, max_dialogues: 50, weight: 2}},{{path: {b}, name: qa, weight: 0.5}}]"
    splits = prepare(config(a, spec), tmp_path / "run")
    report = read_json(tmp_path / "run" / "data" / "report.json")
    assert [(s["name"], s["format"], s["dialogues"]) for s in report["sources"]] == [
        ("a.json", "soulchat", 50), ("qa", "table", 60),
    ]  # fmt: skip
    assert all(len(s["sha256"]) == 64 for s in report["sources"])
    rows = list(read_jsonl(splits.train))
    from_a = [r for r in rows if len(r["messages"]) == 4]
    from_b = [r for r in rows if len(r["messages"]) == 2]
    assert len({r["id"] for r in rows}) == len(rows)
    assert report["train_lines"] == len(rows)
    assert len(from_a) == 2 * len({r["id"].partition("~")[0] for r in from_a})
    held_out = sum(1 for path in splits[1:] for r in read_jsonl(path) if len(r["messages"]) == 2)
    assert 0 < len(from_b) < 60 - held_out


def test_too_many_unusable_records_stop_the_run(tmp_path: Path) -> None:
    rows = [dialogue_record(n) for n in range(60)] + [{"messages": None}] * 6
    path = written(tmp_path / "d.json", rows)
    with pytest.raises(DataError, match=r"6 of 66 records \(9.1%\) cannot be used.*data.max_rejected=0.10"):
        prepare(config(path), tmp_path / "run")
    assert len(list(read_jsonl(tmp_path / "run" / "data" / "rejected.jsonl"))) == 6
    prepare(config(path, "data.max_rejected=0.1"), tmp_path / "run")


def test_a_test_set_that_is_in_the_train_split_stops_the_run(tmp_path: Path) -> None:
    path = written(tmp_path / "d.json", [dialogue_record(n) for n in range(60)])
    test = written(tmp_path / "test.json", [{**dialogue_record(n), "id": f"wx-138123456{n}"} for n in range(50, 70)])
    with pytest.raises(DataError, match=r"items are in the train split.*data.max_overlap="):
        prepare(config(path, f"data.external_tests=[{test}]"), tmp_path / "run")
    prepare(config(path, f"data.external_tests=[{test}]", "data.max_overlap=0.6"), tmp_path / "run")
    overlap = read_json(tmp_path / "run" / "data" / "report.json")["overlap"]
    assert overlap["question bank"]["in_train"] == 0
    assert 0 < overlap[str(test)]["in_train"] <= 10
    assert "138123456" not in str(overlap), "what external records are called may be personal too"


def test_what_an_earlier_run_left_is_not_taken_for_this_one(tmp_path: Path) -> None:
    path = written(tmp_path / "d.json", [dialogue_record(n) for n in range(60)])
    cfg = composed("data=local", f"data.path={path}", "data.num_proc=1", "cache=false", "stages=[prepare]")
    run_stage(PREPARE, Context(cfg, tmp_path / "run"), record, lambda: None)
    first = (tmp_path / "run" / "data" / "train.jsonl").read_bytes()
    written(path, [dialogue_record(n) for n in range(60)] + [{"messages": None}] * 6)
    with pytest.raises(DataError, match="cannot be used"):
        run_stage(PREPARE, Context(cfg, tmp_path / "run"), record, lambda: None)
    (kept,) = (tmp_path / "run" / "superseded").rglob("train.jsonl")
    assert kept.read_bytes() == first
    with pytest.raises(DataError, match="add prepare to stages"):
        splits_in(tmp_path / "run")


def test_records_set_aside_are_named_by_source_and_file(tmp_path: Path) -> None:
    for number in range(300):
        folder = tmp_path / "talks" / f"{number % 3}"
        folder.mkdir(parents=True, exist_ok=True)
        written(folder / f"{number // 3}.json", dialogue_record(number)["messages"])
    written(tmp_path / "talks" / "1" / "7.json", [{"role": "alien", "content": "a"}])
    other = written(tmp_path / "7.json", [dialogue_record(n) for n in range(400, 440)] + [None])
    spec = f"data.sources=[{{path: '{tmp_path}/talks/*/*.json', name: talks}}, {other}]"
    prepare(config(other, spec, "data.validation_fraction=0.3", "data.test_fraction=0.3"), tmp_path / "run")
    rows = [(r.source, r.file, r.record) for r in REJECTED.load(tmp_path / "run")]
    assert ("talks", "1/7.json", 108) in rows
    assert ("7.json", "7.json", 41) in rows


def test_a_near_duplicate_that_is_set_aside_is_named_by_its_own_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(60):
        written(tmp_path / f"{number}.json", dialogue_record(number)["messages"])

    def one_between(*arguments: Any) -> Any:
        places = placed(*arguments)
        places[17] = CONFLICT
        return places

    monkeypatch.setattr(stage, "placed", one_between)
    prepare(config(tmp_path), tmp_path / "run")
    (row,) = read_jsonl(tmp_path / "run" / "data" / "rejected.jsonl")
    assert (row["file"], row["record"]) == ("17.json", 18)


def test_tables_of_several_sources_have_columns_of_their_own(tmp_path: Path) -> None:
    for name, head in (("a", "Frage,Antwort"), ("b", "Q,A")):
        lines = [f"{name}{n}{dialogue_record(n)['messages'][0]['content']},回答{name}{n}" for n in range(40)]
        (tmp_path / f"{name}.csv").write_text("\n".join([head, *lines]), encoding="utf-8")
    specs = [
        f"{{path: {tmp_path}/{name}.csv, columns: {{question: {q}, answer: {a}}}}}"
        for name, q, a in (("a", "Frage", "Antwort"), ("b", "Q", "A"))
    ]
    prepare(config(tmp_path, f"data.sources=[{','.join(specs)}]"), tmp_path / "run")
    report = read_json(tmp_path / "run" / "data" / "report.json")
    assert [s["dialogues"] for s in report["sources"]] == [40, 40]


def test_weights_that_leave_nothing_to_train_on_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "d.json", [dialogue_record(n) for n in range(60)])
    with pytest.raises(DataError, match="no line is left in the train split"):
        prepare(config(path, f"data.sources=[{{path: {path}, weight: 0}}]"), tmp_path / "run")


def test_an_audit_alone_never_fails_for_want_of_a_split(tmp_path: Path) -> None:
    path = written(tmp_path / "d.json", [dialogue_record(1), dialogue_record(1), dialogue_record(2)])
    splits = prepare(config(path), tmp_path / "run", audit=True)
    assert sum(len(list(read_jsonl(split))) for split in splits) == 2
    with pytest.raises(DataError, match=r"too few for .*, besides 1 exact duplicates; .*stages=\[prepare\]"):
        prepare(config(path), tmp_path / "again")


def test_answers_that_are_said_not_to_be_good_are_left_out_without_stopping_the_run(tmp_path: Path) -> None:
    rows = [
        {"prompt": dialogue_record(n)["messages"][0]["content"], "completion": "好的", "label": n % 2 == 0}
        for n in range(40)
    ]
    prepare(config(written(tmp_path / "d.json", rows)), tmp_path / "run", audit=True)
    report = DATA_REPORT.load(tmp_path / "run")
    assert (report.records, report.rejected_by_reason) == (40, {NOT_GOOD: 20})


def test_the_file_at_fault_is_named(tmp_path: Path) -> None:
    written(tmp_path / "data" / "1.json", [dialogue_record(n) for n in range(20)])
    written(tmp_path / "data" / "2.json", [{"messages": []}] * 5)
    with pytest.raises(DataError, match=r"^2\.json \(5 records\): 5 of 25 records"):
        prepare(config(tmp_path / "data"), tmp_path / "run")
