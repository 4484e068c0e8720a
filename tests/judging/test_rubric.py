"""Rubrics are read with both languages, and a faulty one is said with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from mentalft.errors import ConfigError
from mentalft.judging.rubric import embedded, load_rubric, written

GOOD = """
name: mine
title: Mine
source: our own
overall: Which is better?
dimensions:
  - {name: warmth, title: {zh: 温暖}, question: Is it warm?, levels: {0: cold, 1: warm}}
"""


@pytest.mark.parametrize("name", embedded())
def test_ours_are_whole_in_both_languages(name: str) -> None:
    rubric = load_rubric(name, "judge.rubric")
    assert rubric.name == name
    texts = [rubric.title, rubric.overall]
    texts += [t for d in rubric.dimensions for t in (d.title, d.question, *d.levels.values())]
    for text in texts:
        assert isinstance(text, dict)
        assert text.keys() == {"en", "zh"}
        assert all(text.values())


def test_the_published_dimensions_have_their_scales() -> None:
    scales = {d.name: (min(d.levels), max(d.levels)) for d in load_rubric("cpsycoun", "judge.rubric").dimensions}
    assert scales == {
        "comprehensiveness": (0, 2), "professionalism": (0, 3), "authenticity": (0, 3), "safety": (0, 1)
    }  # fmt: skip
    counselbench = load_rubric("counselbench", "judge.rubric").dimensions
    assert [d.name for d in counselbench if not d.higher_is_better] == ["medical_advice", "toxicity"]
    assert len(counselbench) == 6


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD, encoding="utf-8")
    (warmth,) = load_rubric(str(path), "judge.rubric").dimensions
    assert written(warmth.title, "en") == written(warmth.title, "zh") == "温暖"
    assert warmth.levels == {0: "cold", 1: "warm"}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("overall: Which is better?", "", "missing required field `overall`"),
        ("{0: cold, 1: warm}", "{1: warm}", "'warmth' must have two levels or more, in rising order, got 1"),
        ("{0: cold, 1: warm}", "{1: warm, 0: cold}", "in rising order, got 1, 0"),
        ("{0: cold, 1: warm}", "[cold, warm]", r"levels"),
        ("{0: cold, 1: warm}", "{low: cold, high: warm}", r"levels"),
        ("dimensions:", "dimensions: [", "not a rubric"),
    ],
)
def test_a_faulty_file_is_said(old: str, new: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError, match=words) as error:
        load_rubric(str(path), "judge.rubric")
    assert str(error.value).startswith(f"judge.rubric: {path}")


def test_two_of_one_name_and_no_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD + GOOD.splitlines()[-1], encoding="utf-8")
    with pytest.raises(ConfigError, match="two dimensions are called 'warmth'"):
        load_rubric(str(path), "judge.rubric")
    with pytest.raises(
        ConfigError, match=r"judge\.rubric=nope is no file, and no rubric of ours; those are counselbench"
    ):
        load_rubric("nope", "judge.rubric")
