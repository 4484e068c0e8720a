"""What goes into a paper: every figure is the run's own, and no text of a dialogue."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

import pytest

from mentalft.records import Answerer, GivenFile
from mentalft.runs.files import COMPARISON, ITEMS, MADE
from mentalft.runs.loading import read_run
from mentalft.runs.markers import marker_file
from mentalft.show.numbers import probability, signed, spread
from mentalft.show.paper import methods
from mentalft.show.verdict import verdict_sentence
from tests.recorded import recorded_run


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded_run(tmp_path_factory.mktemp("paper") / "run", items=6)


def test_methods_say_in_both_languages_what_was_found_and_on_how_much(run_dir: Path) -> None:
    text, comparison = (run_dir / "methods.md").read_text(encoding="utf-8"), COMPARISON.load(run_dir)
    for part in (
        verdict_sentence(comparison, "en"), verdict_sentence(comparison, "zh"), "on 6 items of 6 dialogues", "共 6 条",
        "decoding: greedy", "(split seed 42)", "200 paired bootstrap resamples", "200 次成对自助重抽样", "（种子 42）", "numpy ",
    ):  # fmt: skip
        assert part in text, part
    for m in comparison.metrics:
        assert f"`{m.signature}`" in text
        d = m.differences["tuned"]
        if d.p_holm is not None:
            assert f"{signed(d.difference)} ({spread(d.interval)}; " in text
            assert f"Holm p {probability(d.p_holm)}" in text


def test_training_is_told_where_its_adapter_answered(run_dir: Path) -> None:
    file, made = marker_file("evaluate"), MADE.load(run_dir)
    marker = file.load(run_dir)
    folder = Answerer("transformers", "/home/me/models/Some-1B", "/home/me/run/adapter")
    given = Answerer(file=GivenFile("/home/me/base.jsonl", "0"))
    MADE.save(run_dir, replace(made, contenders={"base": given, "tuned": folder}))
    text = methods(read_run(run_dir))
    file.save(run_dir, replace(marker, made_from={**marker.made_from, "adapter": {"tuned": "of another"}}))
    elsewhere = methods(read_run(run_dir))
    file.save(run_dir, marker)
    MADE.save(run_dir, made)
    assert "tuned (Some-1B with an adapter)" in elsewhere
    assert "LoRA" not in elsewhere, "what this run trained was not asked"
    assert "LoRA (r = 8, alpha = 32, dropout = 0.05, target modules q_proj, v_proj)" in text
    assert "40 optimizer steps" in text
    assert "(1.2500 nats a token)" in text
    assert "base (answers given as a file) and tuned (Some-1B, fine-tuned as above)" in text
    assert "/home/me" not in text


def test_every_item_has_a_row_for_each_contender_and_no_text(run_dir: Path) -> None:
    items = ITEMS.load(run_dir)
    text = (run_dir / "items.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert [(row["id"], row["contender"]) for row in rows] == [(i.id, c) for i in items for c in ("base", "tuned")]
    assert list(rows[0])[:5] == ["id", "dialogue", "topic", "turn", "contender"]
    assert {row["turn"] for row in rows} == {"1"}
    for row, item in zip(rows[1::2], items, strict=True):
        assert {name: float(row[name]) for name in item.scores["tuned"]} == item.scores["tuned"]
    assert not re.search("睡前|睡不着", text)
