"""Scores and differences from answers that are already there."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from mentalft.comparison.compare import compare
from mentalft.comparison.scores import read_scores
from mentalft.errors import DataError
from mentalft.files import read_json, read_jsonl, write_jsonl
from mentalft.metrics.registry import total_of
from mentalft.records import Asked, Comparison, Item, Message, Response
from tests.test_conf import composed

REFERENCE = "听起来你这阵子很累，我们慢慢说。"
ITEMS = [
    Item(f"{n}#1", f"d{n}", "睡眠", (Message("user", f"第{n}晚睡不着"),), (f"{REFERENCE}第{n}晚。",)) for n in range(8)
]


def answers(path: Path, texts: list[str], prompt: str = "p") -> Path:
    rows = [Response(i.id, f"{prompt}{i.id}", t, "stop", len(t)).to_json() for i, t in zip(ITEMS, texts, strict=False)]
    write_jsonl(path, rows)
    return path


def compared(tmp_path: Path, base: Path, tuned: Path) -> Comparison:
    cfg = composed("eval.metrics=[rouge1,length]").eval
    return compare(cfg, Asked(ITEMS, tmp_path, {"base": base, "tuned": tuned}, "greedy"), 1, tmp_path)


def test_an_answer_like_the_reference_is_better_and_an_empty_one_scores_nothing(tmp_path: Path) -> None:
    base = answers(tmp_path / "base.jsonl", [""] * 8)
    tuned = answers(tmp_path / "tuned.jsonl", [i.references[0] for i in ITEMS])
    result = compared(tmp_path, base, tuned)
    rouge = result.metrics[0]
    assert (rouge.base, rouge.tuned, rouge.verdict) == (0.0, 1.0, "better")
    assert rouge.p_value < rouge.p_holm < 0.05
    assert "only 8 dialogues" in result.warnings[0]
    assert (rouge.wins, rouge.ties, rouge.losses) == (8, 0, 0)
    assert result.checks["base"]["empty"] == 1.0
    assert any("of the base answers are empty" in warning for warning in result.warnings)
    rows = list(read_jsonl(tmp_path / "items.jsonl"))
    assert rows[3]["history"] == [{"role": "user", "content": "第3晚睡不着"}]
    assert rows[3]["scores"]["tuned"]["rouge1"] == 1.0
    assert read_json(tmp_path / "metrics.json")["metrics"]["rouge1"]["tuned"] == 1.0


def test_stored_parts_hold_no_text_and_add_up_to_the_table(tmp_path: Path) -> None:
    base = answers(tmp_path / "base.jsonl", ["我在听。"] * 8)
    tuned = answers(tmp_path / "tuned.jsonl", [i.references[0] for i in ITEMS])
    result = compared(tmp_path, base, tuned)
    sheet = read_scores(tmp_path / "scores.jsonl")
    for metric in result.metrics:
        for side, score in (("base", metric.base), ("tuned", metric.tuned)):
            assert total_of(metric.metric)(sheet.parts[side][metric.metric].sum(axis=0)) == pytest.approx(score)
    assert (sheet.ids[3], sheet.dialogues[3], sheet.depths[3]) == ("3#1", "d3", 1)
    stored = (tmp_path / "scores.jsonl").read_text()
    assert "睡不着" not in stored
    assert "听" not in stored


def test_topics_and_turns_are_shown_apart(tmp_path: Path) -> None:
    items = [
        Item(f"{n}#{turn}", f"d{n}", "睡眠" if n % 2 else "工作", (Message("user", f"{n}"),) * turn, (REFERENCE,))
        for n in range(24)
        for turn in (1, 2)
    ]
    paths = {side: tmp_path / f"{side}.jsonl" for side in ("base", "tuned")}
    for side, path in paths.items():
        texts = [REFERENCE if side == "tuned" and i.topic == "睡眠" else "嗯。" for i in items]
        rows = [Response(i.id, i.id, t, "stop", len(t)).to_json() for i, t in zip(items, texts, strict=True)]
        write_jsonl(path, rows)
    result = compare(composed("eval.metrics=[rouge1]").eval, Asked(items, tmp_path, paths, "greedy"), 1, tmp_path)
    (rouge,) = result.metrics
    assert {g.name: g.difference for g in rouge.by_topic} == {"睡眠": 1.0, "工作": 0.0}
    assert [(g.name, g.items) for g in rouge.by_depth] == [("1", 24), ("2", 24)]
    assert not [warning for warning in result.warnings if "dialogues" in warning], "there are enough"
    markdown = (tmp_path / "comparison.md").read_text()
    assert "## By topic" in markdown
    assert "| 睡眠 | 24 | 12 | +1.0000 (+1.0000 … +1.0000) |" in markdown


def test_it_says_why_there_is_nothing_by_topic(tmp_path: Path) -> None:
    same = answers(tmp_path / "base.jsonl", ["我在听。"] * 8)
    assert compared(tmp_path, same, same).no_topics == "all items are of one topic"
    assert "## By topic\n\nNot shown: all items are of one topic." in (tmp_path / "comparison.md").read_text()


def test_a_model_against_itself_shows_no_difference(tmp_path: Path) -> None:
    same = answers(tmp_path / "base.jsonl", ["我在听。", "慢慢说", *["嗯"] * 6])
    for metric in compared(tmp_path, same, same).metrics:
        assert (metric.difference, metric.interval, metric.ties) == (0.0, (0.0, 0.0), 8)
        assert metric.verdict == "no evidence of a difference"


def test_a_missing_answer_is_an_error(tmp_path: Path) -> None:
    base, tuned = answers(tmp_path / "b.jsonl", ["好"] * 8), answers(tmp_path / "t.jsonl", ["好"] * 7)
    with pytest.raises(DataError, match=r"no answer for 1 of 8 items \(first: 7#1\)"):
        compared(tmp_path, base, tuned)


def test_different_prompts_are_an_error(tmp_path: Path) -> None:
    base, tuned = answers(tmp_path / "b.jsonl", ["好"] * 8), answers(tmp_path / "t.jsonl", ["好"] * 8, prompt="q")
    with pytest.raises(DataError, match="different prompts"):
        compared(tmp_path, base, tuned)


def test_one_dialogue_is_too_few(tmp_path: Path) -> None:
    answered = answers(tmp_path / "b.jsonl", ["好"])
    asked = Asked(ITEMS[:1], tmp_path, {"base": answered, "tuned": answered}, "greedy")
    with pytest.raises(DataError, match=r"the 1 item comes from a single dialogue.*raise data\.test_fraction"):
        compare(composed().eval, asked, 1, tmp_path)
    with pytest.raises(DataError, match=r"give at least two questions$"):
        compare(composed().eval, asked._replace(from_files=True), 1, tmp_path)
    with pytest.raises(DataError, match=r"give at least two questions$"):
        compare(composed("eval.items=file", "eval.questions=q.json").eval, asked, 1, tmp_path)


def test_perplexity_weighs_tokens_and_lower_is_better(tmp_path: Path) -> None:
    same = answers(tmp_path / "base.jsonl", ["我在听。"] * 8)
    rows = [{"id": i.id, "tokens": 1 + n, "base_nll": 2.0 * (1 + n), "tuned_nll": 1.0} for n, i in enumerate(ITEMS)]
    write_jsonl(tmp_path / "perplexity.jsonl", rows)
    asked = Asked(ITEMS, tmp_path, {"base": same, "tuned": same}, "greedy", tmp_path / "perplexity.jsonl")
    result = compare(composed("eval.metrics=[length]").eval, asked, 1, tmp_path).metrics[-1]
    assert (result.metric, result.higher_is_better) == ("perplexity", False)
    assert result.base == pytest.approx(math.exp(2))
    assert result.tuned == pytest.approx(math.exp(8 / 36))
    assert (result.wins, result.verdict) == (8, "better")


@pytest.mark.parametrize(
    ("given", "demonstration", "warned"),
    [
        ("eval.metrics=[cosine]", False, True),
        ("eval.metrics=[cosine]", True, False),
        ("eval.metrics=[length]", False, False),
    ],
)
def test_cosine_by_the_embedded_embedder_is_a_warning(
    tmp_path: Path, given: str, demonstration: bool, warned: bool
) -> None:
    same = answers(tmp_path / "base.jsonl", ["我在听。"] * 8)
    asked = Asked(ITEMS, tmp_path, {"base": same, "tuned": same}, "greedy", demonstration=demonstration)
    result = compare(composed(given).eval, asked, 1, tmp_path)
    assert any(w.startswith("cosine is by the embedded") for w in result.warnings) == warned


def test_faults_of_given_answers_are_a_warning(tmp_path: Path) -> None:
    same = answers(tmp_path / "base.jsonl", ["我在听。"] * 8)
    asked = Asked(ITEMS, tmp_path, {"base": same, "tuned": same}, "not known", problems=3)
    result = compare(composed("eval.metrics=[length]").eval, asked, 1, tmp_path)
    assert any(w.startswith("3 problems in the files given") for w in result.warnings)
