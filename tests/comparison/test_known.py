"""Whether what is asked was trained on is known or not known, and found whatever form the training data has."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from mentalft.comparison.compare import compare
from mentalft.comparison.known import Known, Trained, leakage_of, trained_in
from mentalft.files import digest_file, sha256_folder, write_json
from mentalft.records import Asked, Comparison, Item, Message, Response
from mentalft.runs.files import responses
from mentalft.runs.markers import marker_file, markers
from mentalft.words import told
from tests.conftest import dialogue_record
from tests.recorded import recorded_run
from tests.test_conf import composed

RECORDS = [dialogue_record(n) for n in range(40)]


def item_of(number: int) -> Item:
    turns = tuple(Message(m["role"], m["content"]) for m in RECORDS[number]["messages"])
    return Item(str(number), f"d{number}", None, turns[:-1], (turns[-1].content,))


ITEMS = [item_of(n) for n in range(40)]


def in_files(*paths: Path) -> Trained:
    return Trained(paths, known=True)


def chatml(path: Path, records: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records), encoding="utf-8")
    return path


def sharegpt(path: Path, records: list[dict[str, object]]) -> Path:
    names = {"user": "human", "assistant": "gpt"}
    write_json(path, [
        {"conversations": [{"from": names[m["role"]], "value": m["content"]} for m in r["messages"]]} for r in records  # type: ignore[attr-defined]
    ])  # fmt: skip
    return path


def alpaca(path: Path, records: list[dict[str, object]]) -> Path:
    rows = []
    for r in records:
        said = [m["content"] for m in r["messages"]]  # type: ignore[attr-defined]
        history = [said[i : i + 2] for i in range(0, len(said) - 2, 2)]
        rows.append({"instruction": said[-2], "input": "", "output": said[-1], "history": history})
    write_json(path, rows)
    return path


@pytest.mark.parametrize("form", [chatml, sharegpt, alpaca])
def test_any_form_of_training_data_is_looked_into(form: object, tmp_path: Path) -> None:
    path = form(tmp_path / "trained.json", RECORDS[:10])  # type: ignore[operator]
    found = leakage_of(ITEMS, in_files(path))
    assert found.dialogues == {f"d{n}" for n in range(10)}
    assert (found.leakage.items, found.leakage.share) == (10, 0.25)
    assert "10 of the 40 items asked (25.0%)" in told(found.leakage.said)
    assert "10 exactly, 0 with the same opening" in told(found.leakage.said)


def test_a_table_of_questions_and_answers_too(tmp_path: Path) -> None:
    single = [replace(i, messages=i.messages[:1], references=(i.messages[1].content,)) for i in ITEMS]
    with (tmp_path / "qa.csv").open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(("question", "answer"))
        writer.writerows((i.messages[0].content, i.references[0]) for i in single[:4])
    assert leakage_of(single, in_files(tmp_path / "qa.csv")).dialogues == {f"d{n}" for n in range(4)}


def test_near_duplicates_are_found_and_told_apart(tmp_path: Path) -> None:
    other_end = [
        {**r, "messages": [*r["messages"][:-1], {"role": "assistant", "content": "好的。"}]} for r in RECORDS[:3]
    ]
    reworded = [
        {**r, "messages": [{**m, "content": m["content"].replace("今天有点累", "今天很累")} for m in r["messages"]]}
        for r in RECORDS[3:5]
    ]
    path = chatml(tmp_path / "near.jsonl", [*other_end, *reworded, RECORDS[5]])
    found = leakage_of(ITEMS, in_files(path))
    assert found.dialogues >= {"d0", "d1", "d2", "d5"}
    assert "1 exactly" in told(found.leakage.said)
    none = leakage_of(ITEMS, in_files(chatml(tmp_path / "else.jsonl", [dialogue_record(n) for n in range(90, 99)])))
    assert (none.leakage.known, none.leakage.items) == (True, 0)


def compared(folder: Path, trained: Trained) -> Comparison:
    paths = {name: folder / f"responses/{name}.jsonl" for name in ("base", "tuned")}
    for name in paths:
        texts = [i.references[0][: 14 if name == "base" else 20] for i in ITEMS]
        rows = [Response(i.id, i.id, t, "stop", 1) for i, t in zip(ITEMS, texts, strict=True)]
        responses(name).save(folder, rows)
    cfg = composed("eval.metrics=[rougeL,bleu]", "eval.bootstrap_resamples=200").eval
    return compare(cfg, Asked(ITEMS, folder, "base", paths, "greedy"), 1, folder, Known({"tuned": trained}))


def test_the_comparison_is_given_without_what_was_trained_on_as_well(tmp_path: Path) -> None:
    found = compared(tmp_path, in_files(chatml(tmp_path / "t.jsonl", RECORDS[:16])))
    assert [(g.rule, g.level) for g in found.gates] == [("leakage", "not_comparable")]
    assert {m.differences["tuned"].verdict for m in found.metrics} == {"withheld"}
    assert found.unseen is not None
    assert (found.unseen.items, found.unseen.dialogues) == (24, 24)
    assert found.unseen.metrics[0].differences["tuned"].verdict == "better"
    assert "## Without the items that were trained on" in (tmp_path / "comparison.md").read_text()


def test_nothing_is_left_where_all_was_trained_on(tmp_path: Path) -> None:
    found = compared(tmp_path, in_files(chatml(tmp_path / "t.jsonl", RECORDS[:39])))
    assert found.unseen is None
    assert found.gates[0].level == "not_comparable"


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    return recorded_run(tmp_path / "run")


def test_a_run_knows_its_own_training_data(run_dir: Path) -> None:
    own = trained_in(run_dir, "tuned", ())
    assert (own.known, own.held_out, own.files) == (True, True, (run_dir / "data" / "train.jsonl",))
    assert trained_in(run_dir, "tuned", (run_dir / "data" / "test.jsonl",)).held_out is False, "more was named"


def evaluating(run_dir: Path, adapter: Path) -> None:
    """Let the run have asked the adapter in another folder."""
    marker = markers(run_dir)["evaluate"]
    tuned = {**marker.record.config["eval"]["contenders"]["tuned"], "adapter": str(adapter)}
    contenders = {**marker.record.config["eval"]["contenders"], "tuned": tuned}
    config = {**marker.record.config, "eval": {**marker.record.config["eval"], "contenders": contenders}}
    made_from = {**marker.made_from, "adapter": {"tuned": sha256_folder(adapter, ("adapter_*",))}}
    marker_file("evaluate").save(
        run_dir, replace(marker, made_from=made_from, record=replace(marker.record, config=config))
    )


def test_an_adapter_of_a_run_at_hand_is_recognised_by_its_hash(run_dir: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(run_dir / "adapter", tmp_path / "somewhere" / "adapter")
    asking = recorded_run(tmp_path / "asking")
    shutil.rmtree(asking / "adapter")
    marker_file("train").path(asking).unlink()
    evaluating(asking, copied)
    found = trained_in(asking, "tuned", ())
    assert found.known
    assert found.held_out is False, "what another run held out says nothing of these items"
    (copied / "adapter_model.safetensors").write_text("another")
    assert told(trained_in(asking, "tuned", ()).why or "").endswith("no longer holds the adapter that answered")
    evaluating(asking, copied)
    unknown = trained_in(asking, "tuned", ())
    assert (unknown.known, unknown.files) == (False, ())
    assert "is not known: no run at hand trained this adapter" in told(leakage_of(ITEMS, unknown).leakage.said)
    named = trained_in(asking, "tuned", (tmp_path / "file.json",))
    assert (named.known, named.files) == (True, (tmp_path / "file.json",))


def test_training_data_that_has_changed_since_is_not_taken_for_it(run_dir: Path) -> None:
    train = run_dir / "data" / "train.jsonl"
    before = digest_file(train)
    train.write_text(train.read_text() * 2)
    assert digest_file(train) != before
    assert trained_in(run_dir, "tuned", ()).known is False
