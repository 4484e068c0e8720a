"""Who is shown what: spread, balanced, again the same, and nothing on a page that tells whose an answer is."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mentalft.errors import DataError
from mentalft.records import Turn
from mentalft.review.export import GUESSES, export
from mentalft.review.records import key_file
from mentalft.runs.files import COMPARISON, ITEMS
from tests.review.simulated import asked, write_run

OTHERS = ("tuned", "zebra-7b")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run", 60, OTHERS, turns=2)


def data_of(page: Path) -> dict[str, Any]:
    found = re.search(r'id="review-data">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return json.loads(found[1])


def test_pairs_are_spread_over_contenders_topics_and_differences(run: Path) -> None:
    key, _ = export(run, asked(30), "zh")
    pairs = [q for q in key.pages["r1"] if q.kind == "pair"]
    others = Counter(next(side for side in q.sides if side != "base") for q in pairs)
    assert others == {"tuned": 15, "zebra-7b": 15}
    assert key.sampled.by_topic == {"睡眠": 10, "学业": 10, "(no topic)": 10}
    numbers = sorted(int(q.item.partition("#")[0]) for q in pairs)  # BLEU gains more from item to item
    assert numbers[0] < 12
    assert numbers[-1] >= 48
    assert len(set(numbers)) == 30


def test_a_page_has_repeats_swapped_and_late_one_attention_pair_and_guesses_last(run: Path) -> None:
    key, _ = export(run, asked(40, repeat=10), "zh")
    for page in key.pages.values():
        kinds = [q.kind for q in page]
        assert Counter(kinds) == {"pair": 40, "repeat": 4, "attention": 1, "guess": GUESSES}
        assert set(kinds[-GUESSES:]) == {"guess"}
        assert 0.25 < kinds.index("attention") / 45 < 0.75
        first = Counter(q.sides[0] for q in page if q.kind == "pair")
        assert first["base"] == 20
        where = {(q.item, q.sides): place for place, q in enumerate(page) if q.kind == "pair"}
        for place, q in enumerate(page):
            if q.kind == "repeat":
                assert place - where[q.item, q.sides[::-1]] > 4
            if q.kind == "guess":
                assert "tuned" in q.sides
    orders = [[q.item for q in page if q.kind == "pair"] for page in key.pages.values()]
    assert orders[0] != orders[1]
    assert set(orders[0]) == set(orders[1])


def test_the_same_wishes_give_the_same_files_and_others_a_review_of_its_own(run: Path) -> None:
    key, pages = export(run, asked(20), "zh")
    before = [page.read_bytes() for page in pages]
    again, _ = export(run, asked(20), "zh")
    assert again == key == key_file(key.export).load(run)
    assert [page.read_bytes() for page in pages] == before
    assert export(run, asked(20, seed=7), "zh").key.export != key.export


def test_nothing_on_a_page_tells_whose_an_answer_is(run: Path) -> None:
    key, pages = export(run, asked(40, rubric="cpsycoun"), "en")
    seen: set[str] = set()
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "zebra" not in text
        assert not any(item in text for item in key.items)
        data = data_of(page)
        assert data.keys() == {"export", "rater", "language", "words", "html_languages", "rubric", "lines", "questions"}
        for question in data["questions"]:
            assert question.keys() == {"id", "guess", "warned", "history", "answers"}
        raw = json.dumps(data["questions"])
        assert not re.search(r"tuned|base|genuine|broken|attention|repeat|bleu|0\.\d", raw)
        ids = [question["id"] for question in data["questions"]]
        assert not seen & set(ids)
        seen |= set(ids)
    assert "key.json" not in {path.name for path in pages[0].parent.iterdir()}


def test_what_is_drawn_depends_on_what_only_the_run_holds(run: Path) -> None:
    """The seed is in the documentation: by it alone nobody can draw the sides of a page again."""
    key, _ = export(run, asked(120), "zh")
    items = ITEMS.load(run)
    ITEMS.save(run, [replace(items[0], scores={**items[0].scores, "tuned": {"bleu": 0.5, "meteor": 0.1}}), *items[1:]])
    other, _ = export(run, asked(120), "zh")
    sides = [{(q.item, *sorted(q.sides)): q.sides for q in k.pages["r1"] if q.kind == "pair"} for k in (key, other)]
    assert sides[0].keys() == sides[1].keys()
    assert 30 < sum(sides[0][pair] == sides[1][pair] for pair in sides[0]) < 90


def test_a_warning_stands_before_what_may_distress_and_never_in_the_attention_pair(run: Path) -> None:
    items = ITEMS.load(run)
    risky = replace(items[3], history=(Turn("user", "我不想活了"),))
    ITEMS.save(run, [*items[:3], risky, *items[4:]])
    key, pages = export(run, asked(120), "zh")
    for question, shown in zip(key.pages["r1"], data_of(pages[0])["questions"], strict=True):
        assert shown["warned"] == (question.item == risky.id)
        assert question.kind != "attention" or question.item != risky.id


def test_equal_answers_are_shown_to_nobody(run: Path) -> None:
    items = ITEMS.load(run)
    same = [replace(i, answers=dict.fromkeys(i.answers, "一样的回答")) for i in items[:30]]
    ITEMS.save(run, [*same, *items[30:]])
    key, _ = export(run, asked(100), "zh")
    assert (key.sampled.pairs, key.sampled.identical) == (60, 60)
    ITEMS.save(run, [replace(i, answers=dict.fromkeys(i.answers, "一样的回答")) for i in items])
    with pytest.raises(DataError, match="every answer is equal to the baseline's"):
        export(run, asked(10), "zh")


def test_one_contender_is_refused(run: Path) -> None:
    COMPARISON.save(run, replace(COMPARISON.load(run), contenders=("base",)))
    with pytest.raises(DataError, match="has one contender, base; a blind review needs two"):
        export(run, asked(10), "zh")
