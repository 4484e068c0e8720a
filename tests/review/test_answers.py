"""Files of raters: checked, kept, and never taken for what they are not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mentalft.errors import DataError
from mentalft.review.analysis import evaluate
from mentalft.review.answers import given, take_in
from mentalft.review.export import export
from mentalft.review.records import Key
from mentalft.runs.files import ITEMS
from mentalft.words import told
from tests.review.simulated import Rater, asked, deserved, page_saved, write_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run", 30)


@pytest.fixture
def key(run: Path) -> Key:
    return export(run, asked(20, rubric="cpsycoun"), "zh").key


def saved(key: Key, name: str = "r1", **more: Any) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return page_saved(key, name, Rater(), deserved(key, Rater(), rng), rng, **more)


def write(folder: Path, found: Any, name: str = "file.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
    return path


def test_sides_become_contenders_again(run: Path, key: Key, tmp_path: Path) -> None:
    answers = [
        {"id": q.id, "choice": "first", "skipped": False, "ratings": {"safety": [1, 0]}, "remark": " 一 "}
        for q in key.pages["r1"]
    ]
    list(take_in(run, [write(tmp_path, saved(key, answers=answers))]))
    found = given(run, "base")
    for question, opinion in zip(key.pages["r1"], found.opinions, strict=True):
        wanted = {"attention": "genuine", "guess": "tuned"}.get(question.kind, opinion.contender)
        assert opinion.choice == float(question.sides[0] == wanted)
        assert opinion.first
        assert opinion.remark == "一"
        if question.kind == "pair":
            assert opinion.ratings == {"safety": (1, 0) if question.sides[0] == "base" else (0, 1)}
    assert found.edited == {"r1"}  # the answers are others than those of the checksum


def test_a_later_file_of_a_rater_takes_the_place_of_an_earlier_one(run: Path, key: Key, tmp_path: Path) -> None:
    early = write(tmp_path, {**saved(key), "answers": [], "checksum": 0}, "early.json")
    late = write(tmp_path, saved(key, saved="2026-11-28T11:00:00.000Z"), "late.json")
    said = [told(line) for line in take_in(run, [late, early])]
    assert len(said) == 3
    assert "takes the place of what rater r1 saved before" in said[1]
    assert len([o for o in given(run, "base").opinions if o.choice is not None]) == len(key.pages["r1"])
    assert [*run.glob("superseded/*/review/*/answers/r1.json")]
    assert "left out" in told(next(iter(take_in(run, [early]))))
    assert [told(line) for line in take_in(run, [late])] == [said[-1].replace("early", "late")]


def test_half_a_page_and_skipped_pairs_are_welcome(run: Path, key: Key, tmp_path: Path) -> None:
    whole, first = saved(key), {q.id for q in key.pages["r1"] if q.kind == "pair"}
    half = [answer for answer in whole["answers"] if answer["id"] in first][:10]
    half[0] = {"id": half[0]["id"], "choice": None, "skipped": True, "remark": "too close"}
    list(take_in(run, [write(tmp_path, {**whole, "answers": half})]))
    (rater,) = evaluate(run).raters
    assert (rater.judged, rater.shown, rater.skipped) == (9, 20, 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"export": "00000000"}, r"it is of review '00000000', and .* has [0-9a-f]{8}; give the run"),
        ({"export": "../.."}, r"it is of review '../..'"),
        ({"rater": "r9"}, "has no rater 'r9'; it has r1, r2, r3"),
        ({"answers": [{"id": "x"}]}, "answer x: the page of r1 has no such question"),
        ({"answers": 3}, r"not what a rater's page saves .*; ask for the file again"),
        ({"saved": None}, "not what a rater's page saves"),
    ],
)
def test_a_wrong_file_is_refused_and_nothing_is_written(
    change: dict[str, Any], words: str, run: Path, key: Key, tmp_path: Path
) -> None:
    good = write(tmp_path, saved(key, "r2"), "good.json")
    with pytest.raises(DataError, match=words):
        list(take_in(run, [good, write(tmp_path, {**saved(key), **change})]))
    assert not [*run.glob("review/*/answers/*")]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"choice": "left"}, "not what a rater's page saves"),
        ({"ratings": {"warmth": [1, 1]}}, "'warmth' is no dimension of the rubric 'cpsycoun'"),
        ({"ratings": {"safety": [2, None]}}, "safety is 2; it can be 0, 1"),
        ({"ratings": {"safety": [True, 0.5]}}, "not what a rater's page saves"),
    ],
)
def test_a_value_that_no_page_gives_is_refused(
    answer: dict[str, Any], words: str, run: Path, key: Key, tmp_path: Path
) -> None:
    found = saved(key)
    found["answers"][0] |= answer
    with pytest.raises(DataError, match=words):
        list(take_in(run, [write(tmp_path, found)]))
    found = saved(key)
    found["answers"].append(found["answers"][0])
    with pytest.raises(DataError, match="answered twice"):
        list(take_in(run, [write(tmp_path, found)]))


def test_files_that_are_none(run: Path, key: Key, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist; give the files"):
        list(take_in(run, [tmp_path / "none.json"]))
    with pytest.raises(DataError, match="holds no answers of raters"):
        given(run, "base")


def test_answers_to_what_the_run_no_longer_holds_are_refused(run: Path, key: Key, tmp_path: Path) -> None:
    list(take_in(run, [write(tmp_path, saved(key))]))
    items = ITEMS.load(run)
    more = [replace(item, answers={**item.answers, "another": "新的"}) for item in items]
    ITEMS.save(run, more)
    assert given(run, "base").opinions  # another contender is no matter of theirs
    ITEMS.save(run, [replace(item, answers={**item.answers, "tuned": f"{item.id} 改"}) for item in items])
    with pytest.raises(DataError, match=f"others than when review {key.export} was exported"):
        given(run, "base")
