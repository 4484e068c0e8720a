"""Scores and differences from answers that are already there."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from mentalft.comparison.compare import compare
from mentalft.comparison.scores import read_scores
from mentalft.errors import ConfigError, DataError
from mentalft.files import read_json, read_jsonl, write_jsonl
from mentalft.metrics.registry import total_of
from mentalft.records import Asked, Comparison, Item, Message, Response
from mentalft.words import told
from tests.test_conf import composed

REFERENCE = "听起来你这阵子很累，我们慢慢说。"
ITEMS = [
    Item(f"{n}#1", f"d{n}", "睡眠", (Message("user", f"第{n}晚睡不着"),), (f"{REFERENCE}第{n}晚。",)) for n in range(8)
]


def answers(path: Path, texts: list[str], prompt: str = "p") -> Path:
    rows = [asdict(Response(i.id, f"{prompt}{i.id}", t, "stop", len(t))) for i, t in zip(ITEMS, texts, strict=False)]
    write_jsonl(path, rows)
    return path


def asked_of(folder: Path, base: Path, tuned: Path, items: list[Item] = ITEMS) -> Asked:
    return Asked(items, folder, "base", {"base": base, "tuned": tuned}, "greedy")


def compared(tmp_path: Path, base: Path, tuned: Path) -> Comparison:
    cfg = composed("eval.metrics=[rouge1,length]", "eval.primary=rouge1").eval
    return compare(cfg, asked_of(tmp_path, base, tuned), 1, tmp_path)


def warned(result: Comparison) -> list[str]:
    return [told(warning) for warning in result.warnings]


def test_an_answer_like_the_reference_is_better_and_an_empty_one_scores_nothing(tmp_path: Path) -> None:
    base = answers(tmp_path / "base.jsonl", [""] * 8)
    tuned = answers(tmp_path / "tuned.jsonl", [i.references[0] for i in ITEMS])
    result = compared(tmp_path, base, tuned)
    rouge = result.metrics[0].differences["tuned"]
    assert result.metrics[0].scores == {"base": 0.0, "tuned": 1.0}
    assert rouge.verdict == "withheld", "an empty baseline is none"
    assert rouge.p_value == rouge.p_holm, "the primary metric is tested alone"
    assert result.metrics[1].differences["tuned"].verdict == "diagnostic"
    assert result.metrics[1].differences["tuned"].p_value is None
    assert any("only 8 dialogues" in warning for warning in warned(result))
    assert (rouge.wins, rouge.ties, rouge.losses) == (8, 0, 0)
    assert result.checks["base"]["empty"] == 1.0
    assert any(warning.startswith("every base answer is empty") for warning in warned(result))
    rows = list(read_jsonl(tmp_path / "items.jsonl"))
    assert rows[3]["history"] == [{"role": "user", "content": "第3晚睡不着"}]
    assert rows[3]["scores"]["tuned"]["rouge1"] == 1.0
    assert read_json(tmp_path / "metrics.json")["metrics"]["rouge1"]["scores"]["tuned"] == 1.0


def test_stored_parts_hold_no_text_and_add_up_to_the_table(tmp_path: Path) -> None:
    base = answers(tmp_path / "base.jsonl", ["我在听。"] * 8)
    tuned = answers(tmp_path / "tuned.jsonl", [i.references[0] for i in ITEMS])
    result = compared(tmp_path, base, tuned)
    sheet = read_scores(tmp_path)
    for metric in result.metrics:
        for side, score in metric.scores.items():
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
        rows = [asdict(Response(i.id, i.id, t, "stop", len(t))) for i, t in zip(items, texts, strict=True)]
        write_jsonl(path, rows)
    asked = asked_of(tmp_path, **paths, items=items)
    result = compare(composed("eval.metrics=[rouge1]", "eval.primary=rouge1").eval, asked, 1, tmp_path)
    rouge = result.metrics[0].differences["tuned"]
    assert {g.name: g.difference for g in rouge.by_topic} == {"睡眠": 1.0, "工作": 0.0}
    assert [(g.name, g.items) for g in rouge.by_depth] == [("1", 24), ("2", 24)]
    assert not [warning for warning in warned(result) if "dialogues" in warning], "there are enough"
    markdown = (tmp_path / "comparison.md").read_text()
    assert "## By topic" in markdown
    assert "| 睡眠 | 24 | 12 | +1.0000 (+1.0000 … +1.0000) |" in markdown


def test_it_says_why_there_is_nothing_by_topic(tmp_path: Path) -> None:
    same = answers(tmp_path / "base.jsonl", ["我在听。"] * 8)
    said = compared(tmp_path, same, same).no_topics
    assert said is not None
    assert told(said) == "all items are of one topic"
    assert "## By topic\n\nNot shown: all items are of one topic." in (tmp_path / "comparison.md").read_text()


def test_a_model_against_itself_shows_no_difference(tmp_path: Path) -> None:
    same = answers(tmp_path / "base.jsonl", ["我在听。", "慢慢说", *["嗯"] * 6])
    for metric in compared(tmp_path, same, same).metrics:
        found = metric.differences["tuned"]
        assert (found.difference, found.interval, found.ties) == (0.0, (0.0, 0.0), 8)
        assert found.verdict in ("undecided", "diagnostic")


def test_a_missing_answer_is_an_error(tmp_path: Path) -> None:
    base, tuned = answers(tmp_path / "b.jsonl", ["好"] * 8), answers(tmp_path / "t.jsonl", ["好"] * 7)
    with pytest.raises(DataError, match=r"no answer for 1 of 8 items \(first: 7#1\)"):
        compared(tmp_path, base, tuned)


def test_after_other_prompts_nothing_is_concluded(tmp_path: Path) -> None:
    base, tuned = answers(tmp_path / "b.jsonl", ["好"] * 8), answers(tmp_path / "t.jsonl", ["好"] * 8, prompt="q")
    result = compared(tmp_path, base, tuned)
    assert warned(result)[0].startswith("tuned was asked other prompts than the others")
    assert {m.differences["tuned"].verdict for m in result.metrics} == {"withheld", "diagnostic"}
    assert not [note for note in result.notes if "the same prompts" in told(note)]


def test_one_dialogue_is_too_few(tmp_path: Path) -> None:
    answered = answers(tmp_path / "b.jsonl", ["好"])
    asked = asked_of(tmp_path, answered, answered, ITEMS[:1])
    with pytest.raises(DataError, match=r"the 1 item comes from a single dialogue.*raise data\.test_fraction"):
        compare(composed().eval, asked, 1, tmp_path)
    with pytest.raises(DataError, match=r"give at least two questions$"):
        compare(composed().eval, replace(asked, decoding=None), 1, tmp_path)
    with pytest.raises(DataError, match=r"give at least two questions$"):
        compare(composed("eval.items=file", "eval.questions=q.json").eval, asked, 1, tmp_path)


def test_perplexity_weighs_tokens_and_lower_is_better(tmp_path: Path) -> None:
    same = answers(tmp_path / "base.jsonl", ["我在听。"] * 8)
    rows = [{"id": i.id, "tokens": 1 + n, "nll": {"base": 2.0 * (1 + n), "tuned": 1.0}} for n, i in enumerate(ITEMS)]
    write_jsonl(tmp_path / "perplexity.jsonl", rows)
    asked = replace(asked_of(tmp_path, same, same), perplexity=tmp_path / "perplexity.jsonl")
    result = compare(composed("eval.metrics=[length]").eval, asked, 1, tmp_path).metrics[-1]
    assert (result.metric, result.higher_is_better) == ("perplexity", False)
    assert result.scores["base"] == pytest.approx(math.exp(2))
    assert result.scores["tuned"] == pytest.approx(math.exp(8 / 36))
    found = result.differences["tuned"]
    assert (found.wins, found.verdict, found.length_controlled) == (8, "diagnostic", None)


@pytest.mark.parametrize(
    ("embedder", "demonstration", "computed"),
    [("auto", False, False), ("auto", True, True), ("embedded", False, True)],
)
def test_cosine_by_the_embedded_embedder_is_for_the_embedded_sample_alone(
    tmp_path: Path, embedder: str, demonstration: bool, computed: bool
) -> None:
    same = answers(tmp_path / "base.jsonl", ["我在听。"] * 8)
    asked = replace(asked_of(tmp_path, same, same), demonstration=demonstration)
    cfg = composed("eval.metrics=[cosine,rougeL]", f"eval.embedder={embedder}").eval
    result = compare(cfg, asked, 1, tmp_path)
    assert ("cosine" in [m.metric for m in result.metrics]) == computed
    assert any(told(note).startswith("cosine is not computed: the embedded") for note in result.notes) != computed


def test_an_embedder_of_another_language_is_not_used(tmp_path: Path) -> None:
    """The embedded one knows Chinese characters and hardly a word of English."""
    items = [
        replace(item, references=("You sound worn out by all of this; shall we begin with last night?",))
        for item in ITEMS
    ]
    same = answers(tmp_path / "base.jsonl", ["I am listening."] * 8)
    asked = replace(asked_of(tmp_path, same, same, items), demonstration=True)
    result = compare(composed("eval.metrics=[cosine]").eval, asked, 1, tmp_path)
    assert [m.metric for m in result.metrics] == ["rougeL"]
    assert any("does not know" in told(note) for note in result.notes)
    with pytest.raises(ConfigError, match=r"eval\.primary=cosine: eval\.embedder=embedded does not know"):
        compare(
            composed("eval.metrics=[cosine]", "eval.primary=cosine", "eval.embedder=embedded").eval, asked, 1, tmp_path
        )


def test_faults_of_given_answers_are_a_warning(tmp_path: Path) -> None:
    same = answers(tmp_path / "base.jsonl", ["我在听。"] * 8)
    asked = replace(asked_of(tmp_path, same, same), decoding=None, problems=3)
    result = compare(composed("eval.metrics=[length]").eval, asked, 1, tmp_path)
    assert any(w.startswith("the files given have problems (3)") for w in warned(result))


def test_three_contenders_are_each_held_against_the_baseline(tmp_path: Path) -> None:
    texts = {"base": ["嗯。"] * 8, "good": [i.references[0] for i in ITEMS], "same": ["嗯。"] * 8}
    paths = {name: answers(tmp_path / f"{name}.jsonl", of) for name, of in texts.items()}
    cfg = composed("eval.metrics=[rouge1,bleu,chrf]", "eval.primary=rouge1").eval
    result = compare(cfg, Asked(ITEMS, tmp_path, "base", paths, "greedy"), 1, tmp_path)
    rouge = result.metrics[0]
    assert (result.contenders, result.others) == (("base", "good", "same"), ("good", "same"))
    assert list(rouge.differences) == ["good", "same"]
    assert (rouge.differences["good"].verdict, rouge.differences["same"].verdict) == ("better", "undecided")
    for metric, tests in ((rouge, 2), (result.metrics[1], 4)):
        good = metric.differences["good"]
        assert good.p_holm == pytest.approx(tests * good.p_value), "primary and secondary ones are apart"
    assert told(result.notes[0]).startswith("base, good and same were asked the same prompts")


SCORE = """
import sys
from pathlib import Path
from tests.comparison.test_compare import ITEMS, answers, compared
folder = Path(sys.argv[1])
base = answers(folder / "base.jsonl", [f"听起来很累，{n}" for n in range(8)])
compared(folder, base, answers(folder / "tuned.jsonl", [i.references[0][: 4 + n] for n, i in enumerate(ITEMS)]))
"""


def test_the_same_answers_give_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    """Python orders a set of texts differently in every process."""
    for name in ("1", "2"):
        (tmp_path / name).mkdir()
        command = [sys.executable, "-c", SCORE, str(tmp_path / name)]
        root = Path(__file__).parents[2]
        subprocess.run(command, check=True, cwd=root, env={**os.environ, "PYTHONHASHSEED": name})
    for file in ("scores.jsonl", "comparison.json", "items.jsonl", "metrics.json", "comparison.md", "comparison.tex"):
        assert (tmp_path / "1" / file).read_bytes() == (tmp_path / "2" / file).read_bytes()
