"""A run directory is held against what its stages recorded: untouched it is equal, and every change is named."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mentalft.assets import TINY_EMBEDDER
from mentalft.errors import DataError
from mentalft.files import MARKED, read_json, read_jsonl, write_json, write_jsonl
from mentalft.runs.verify import Verified, verify
from mentalft.stages import STAGES
from tests.recorded import recorded_run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded_run(tmp_path_factory.mktemp("verify") / "run")


@pytest.fixture
def run_dir(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "run"))


def said(found: Verified) -> str:
    return "\n".join(f"{check.what}: {sentence}" for check in found.checks for sentence in check.differences)


def edit_json(path: Path, change: Callable[[Any], object]) -> None:
    value = read_json(path)
    change(value)
    write_json(path, value)


def test_an_untouched_run_is_equal_and_is_only_read(run_dir: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in run_dir.rglob("*")}
    found = verify(run_dir, STAGES)
    assert said(found) == ""
    assert found.equal
    assert found.unfinished == ()
    assert not any(check.not_looked_at for check in found.checks)
    assert {p: p.stat().st_mtime_ns for p in run_dir.rglob("*")} == before


def test_an_edited_answer_is_found_in_its_file_and_in_every_score(run_dir: Path) -> None:
    path = run_dir / "responses" / "tuned.jsonl"
    rows = list(read_jsonl(path))
    rows[3]["text"] = rows[3]["text"][:1]
    write_jsonl(path, rows)
    words = said(verify(run_dir, STAGES))
    for part in (
        "files of evaluate: responses/tuned.jsonl was changed since it was written",
        "compare was made from other responses than there is now; run it again",
        "scores in metrics.json: metrics.rouge1.scores.tuned is",
        "scores in comparison.json: metrics.rouge1.scores.tuned is",
        "more of metrics.rouge1",
        "scores in comparison.json: metrics.length.scores.tuned is",
        "scores in items.jsonl: scores.tuned.rouge1 of 1 of 12 items (first: 3#1:",
        "scores in scores.jsonl: parts.tuned.rouge1 of 1 of 12 items",
    ):
        assert part in words


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("metrics.json", lambda v: v["metrics"]["rouge1"]["scores"].update(tuned=0.99), "metrics.rouge1.scores.tuned is 0.99, recomputed 0."),
        ("comparison.json", lambda v: v["metrics"][1]["differences"]["tuned"].update(p_value=0.5), "metrics.length.differences.tuned.p_value is 0.5, recomputed"),
        ("comparison.json", lambda v: v.update(gates=[]), "scores in comparison.json: gates is [], recomputed"),
        ("manifest.json", lambda v: v.pop("seeds"), "manifest.json: the whole: 'seeds' is a required property"),
        ("manifest.json", lambda v: v["seeds"].update(seed=1), "manifest.json: seeds.seed is 1, recomputed 42"),
        ("manifest.json", lambda v: v["stages"]["train"].update(seconds="long"), "stages.train.seconds: 'long' is not"),
    ],
)  # fmt: skip
def test_an_edited_figure_is_named(name: str, change: Callable[[Any], object], words: str, run_dir: Path) -> None:
    edit_json(run_dir / name, change)
    assert words in said(verify(run_dir, STAGES))


@pytest.mark.parametrize("stage", ["train", "compare"])
def test_a_stage_that_was_begun_and_is_not_complete_is_named(stage: str, run_dir: Path) -> None:
    (run_dir / MARKED / f"{stage}.json").unlink()
    found = verify(run_dir, STAGES)
    assert [sentence.partition(";")[0] for sentence in found.unfinished] == [f"{stage} was begun and is not complete"]


def test_a_run_that_is_older_than_a_setting_is_refused_with_the_version_that_made_it(run_dir: Path) -> None:
    marker = read_json(run_dir / MARKED / "compare.json")
    del marker["record"]["config"]["eval"]["max_items"]
    write_json(run_dir / MARKED / "compare.json", marker)
    with pytest.raises(DataError, match=r"compare\.json: does not have the settings .*max_items.*that made it: 0\."):
        verify(run_dir, STAGES)


def test_edited_settings_are_named(run_dir: Path) -> None:
    path = run_dir / "config.resolved.yaml"
    path.write_text(path.read_text().replace("\n  r: 8", "\n  r: 16"))
    assert "config.resolved.yaml: lora.r is 16, recomputed 8" in said(verify(run_dir, STAGES))


def test_another_adapter_and_other_data_are_named(run_dir: Path) -> None:
    (run_dir / "adapter" / "adapter_model.safetensors").write_text("another")
    (run_dir / "data" / "train.jsonl").unlink()
    words = said(verify(run_dir, STAGES))
    assert "evaluate was made from other adapter than there is now; run it again" in words
    assert "files of prepare: data/train.jsonl is gone" in words
    assert "train was made from other data than there is now; run it again" in words


def test_the_data_set_itself_is_looked_at_where_it_is_there(made: Path, run_dir: Path) -> None:
    corpus = made.parent / "corpus.json"
    text = corpus.read_text()
    try:
        corpus.write_text(text.replace("谢谢", "多谢", 1))
        assert "corpus.json hashes to" in said(verify(run_dir, STAGES))
        corpus.unlink()
        found = verify(run_dir, STAGES)
    finally:
        corpus.write_text(text)
    assert found.equal
    assert [check.what for check in found.checks if check.not_looked_at] == ["the data set"]


def test_a_metric_whose_model_is_gone_is_taken_as_stored_and_said(tmp_path: Path) -> None:
    shutil.copytree(TINY_EMBEDDER, tmp_path / "embedder")
    run_dir = recorded_run(tmp_path / "run", "eval.metrics=[cosine,rouge1]", f"eval.embedder={tmp_path / 'embedder'}")
    assert verify(run_dir, STAGES).equal
    shutil.rmtree(tmp_path / "embedder")
    found = verify(run_dir, STAGES)
    assert said(found) == ""
    (skipped,) = [s for check in found.checks for s in check.not_looked_at]
    assert skipped.startswith("cosine is not computed again, but taken as stored: eval.embedder=")
    edit_json(run_dir / "comparison.json", lambda v: v["metrics"][1]["differences"]["tuned"].update(p_value=0.5))
    assert "metrics.cosine.differences.tuned.p_value is 0.5, recomputed" in said(verify(run_dir, STAGES)), (
        "its test is done again"
    )


def test_other_versions_are_named(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mentalft.runs.verify.versions", lambda: {"jieba": "0.1"})
    found = verify(run_dir, STAGES)
    assert any(sentence.startswith("jieba 0.1 (the run had 0.42.1)") for sentence in found.other_versions)


@pytest.mark.parametrize("damage", [b"", b"[]", b"{}", b"\xff\x00"])
def test_a_damaged_marker_is_named(damage: bytes, run_dir: Path) -> None:
    (run_dir / MARKED / "compare.json").write_bytes(damage)
    found = verify(run_dir, STAGES)
    assert "compare.json: not what mentalft writes there" in said(found)
    assert found.unfinished


def test_what_is_no_run_is_one_message(tmp_path: Path, run_dir: Path) -> None:
    with pytest.raises(DataError, match=r"holds no manifest\.json"):
        verify(tmp_path, STAGES)
    (run_dir / "manifest.json").write_text("{")
    with pytest.raises(DataError, match="not JSON"):
        verify(run_dir, STAGES)
