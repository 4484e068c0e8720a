"""Several runs in one table: combined as said, and refused by name where they are not alike."""

from __future__ import annotations

import random
from dataclasses import asdict
from pathlib import Path

import pytest

from mentalft.comparison.compare import compare
from mentalft.comparison.runs import compare_runs
from mentalft.errors import DataError
from mentalft.files import read_json, read_jsonl, write_json, write_jsonl
from mentalft.records import Asked, Difference, Item, Message, MetricResult, Response, RunsComparison
from mentalft.show.verdict import verdict_sentence
from mentalft.words import told
from tests.test_conf import composed

REFERENCE = "听起来你这阵子很累，我们慢慢说，先从睡前那段时间开始。"


def make_run(
    run_dir: Path, seed: int, *overrides: str, items: int = 24, greeting: str = "第", decoding: str = "greedy",
    shuffled: bool = False, gain: int = 6,
) -> Path:  # fmt: skip
    """A run directory with what its compare stage writes: tuned answers hold more of the reference than base ones."""
    asked = [
        Item(f"{n}#1", f"d{n}", "睡眠", (Message("user", f"{greeting}{n}晚睡不着"),), (REFERENCE,))
        for n in range(items)
    ]
    if shuffled:
        random.Random(seed).shuffle(asked)
    draw = random.Random(seed)
    paths = {side: run_dir / f"{side}.jsonl" for side in ("base", "tuned")}
    for side, path in paths.items():
        least = 2 if side == "base" else 2 + gain
        texts = [REFERENCE[: draw.randint(least, least + 12)] for _ in asked]
        write_jsonl(path, [asdict(Response(i.id, i.id, t, "stop", 1)) for i, t in zip(asked, texts, strict=True)])
    cfg = composed("eval.metrics=[rouge1,bleu]", "eval.primary=rouge1", "eval.bootstrap_resamples=500", *overrides).eval
    compare(cfg, Asked(asked, run_dir, "base", paths, decoding), seed, run_dir)
    return run_dir


def tuned(metric: MetricResult) -> Difference:
    return metric.differences["tuned"]


def stored(run_dir: Path) -> float:
    return float(read_json(run_dir / "comparison.json")["metrics"][0]["differences"]["tuned"]["difference"])


def notes_of(found: RunsComparison) -> list[str]:
    return [told(note) for note in found.notes]


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    return [make_run(tmp_path / f"seed{seed}", seed) for seed in (1, 2, 3)]


def test_each_run_all_together_and_the_spread(runs: list[Path]) -> None:
    found = compare_runs(runs)
    rows = [tuned(run.metrics[0]) for run in found.runs]
    rouge, bleu = (tuned(metric) for metric in found.combined)
    assert rouge.difference == pytest.approx(sum(d.difference for d in rows) / 3)
    scores = [run.metrics[0].scores["base"] for run in found.runs]
    assert found.combined[0].scores["base"] == pytest.approx(sum(scores) / 3)
    assert rouge.verdict == "better"
    assert found.over_seeds == ("tuned",)
    assert rouge.interval.low + rouge.interval.high == pytest.approx(2 * rouge.difference)
    assert rouge.p_value is not None
    assert rouge.p_value < 0.05
    assert "compare.these_weights" not in [note.key for note in found.notes]
    assert rouge.length_controlled is not None
    assert (found.combined[1].role, bleu.length_controlled is None) == ("secondary", False)
    spread = found.spreads[0]
    assert spread.contender == "tuned"
    assert (spread.low, spread.high) == (min(d.difference for d in rows), max(d.difference for d in rows))
    assert spread.low <= spread.mean <= spread.high
    assert spread.sd > 0
    assert [d.difference for d in rows] == [stored(path) for path in runs]


def test_three_runs_that_are_no_three_trainings_speak_of_their_weights_alone(
    runs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    two = compare_runs(runs[:2])
    assert two.over_seeds == ()
    assert "the verdict speaks of these weights alone" in " ".join(notes_of(two))
    monkeypatch.setattr("mentalft.comparison.runs._made_with", lambda run_dir: ("settings", "one seed"))
    assert compare_runs(runs).over_seeds == ()
    monkeypatch.setattr("mentalft.comparison.runs._made_with", lambda run_dir: ("settings", run_dir.name))
    assert compare_runs(runs).over_seeds == ("tuned",)
    (runs[2] / "scores.jsonl").write_bytes((runs[0] / "scores.jsonl").read_bytes())
    assert compare_runs(runs).over_seeds == ()


def test_seeds_that_lie_far_apart_leave_no_verdict_on_the_training(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / str(n), n, gain=gain) for n, gain in enumerate((0, 2, 12))]
    assert tuned(compare_runs(runs[1:]).combined[0]).verdict == "better", "these two are"
    found = compare_runs(runs)
    of_primary = tuned(found.combined[0])
    assert of_primary.verdict == "undecided"
    assert of_primary.interval.low < 0 < of_primary.interval.high
    assert of_primary.smallest_effect > of_primary.difference
    assert verdict_sentence(found).startswith("There is no evidence that training with these settings helps or harms: ")
    assert "over dialogues and 3 training seeds)" in verdict_sentence(found)
    assert verdict_sentence(found, "zh").startswith("没有证据表明用这组设置训练会变好或变差：")


def test_the_order_of_items_does_not_matter(tmp_path: Path) -> None:
    one, other = make_run(tmp_path / "a", 1), make_run(tmp_path / "b", 1)
    rows = list(read_jsonl(other / "scores.jsonl"))
    write_jsonl(other / "scores.jsonl", rows[::-1])
    assert tuned(compare_runs([one, other]).combined[0]).difference == pytest.approx(stored(one))


def test_different_systems_stand_side_by_side_and_the_same_one_once(runs: list[Path]) -> None:
    found = compare_runs(runs[:2], pool=False)
    assert found.contenders == ("base", "tuned", "base (seed2)", "tuned (seed2)")
    assert (found.combined, found.spreads) == ((), ())
    assert [note.key for note in found.notes] == ["compare.side_by_side", "compare.these_weights"]
    of = {m.metric: m for m in found.runs[0].metrics}
    assert of["rouge1"].differences["tuned"].difference == pytest.approx(stored(runs[0]))
    assert of["rouge1"].differences["tuned"].p_value == tuned(compare_runs(runs[:1]).runs[0].metrics[0]).p_value
    (runs[1] / "scores.jsonl").write_bytes((runs[0] / "scores.jsonl").read_bytes())
    assert compare_runs(runs[:2], pool=False).contenders == ("base", "tuned")


def test_runs_of_other_settings_are_not_pooled_unless_told(runs: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mentalft.comparison.runs._made_with", lambda run_dir: ({"lora.r": run_dir.name}, None))
    assert compare_runs(runs).notes[0].key == "compare.side_by_side"
    assert len(compare_runs(runs, pool=True).combined) == 2
    monkeypatch.setattr("mentalft.comparison.runs._made_with", lambda run_dir: ({"lora.r": 8}, None))
    assert compare_runs(runs).notes[0].key == "compare.pooled"


def test_any_pair_is_compared_on_request(runs: list[Path]) -> None:
    found = compare_runs(runs[:1], pair=("tuned", "base"))
    assert (found.baseline, found.contenders) == ("tuned", ("tuned", "base"))
    turned = found.runs[0].metrics[0].differences["base"]
    assert turned.difference == pytest.approx(-stored(runs[0]))
    assert (turned.verdict, turned.wins) == ("worse", tuned(compare_runs(runs[:1]).runs[0].metrics[0]).losses)
    with pytest.raises(DataError, match=r"--pair: tunde did not answer in .*; there are base, tuned"):
        compare_runs(runs[:1], pair=("tunde", "base"))
    with pytest.raises(DataError, match="given twice"):
        compare_runs(runs[:1], pair=("base", "base"))


def test_one_run_is_shown_as_it_is(runs: list[Path]) -> None:
    found = compare_runs(runs[:1])
    assert (found.combined, found.spreads) == ((), ())


def test_runs_that_are_not_alike_are_refused_and_what_differs_is_named(tmp_path: Path) -> None:
    first = make_run(tmp_path / "first", 1)
    for others, words in (
        ({"items": 23}, r"other items: 1 only in the first \(such as 23#1\)"),
        ({"greeting": "那"}, r"other items: 24 with another history or reference \(such as 0#1\)"),
        ({"decoding": "greedy, max_new_tokens=9"}, "differ in decoding: greedy against greedy, max_new_tokens=9"),
    ):
        other = make_run(tmp_path / str(others), 2, **others)  # type: ignore[arg-type]
        with pytest.raises(DataError, match=words):
            compare_runs([first, other])
    other = make_run(tmp_path / "confidence", 2, "eval.confidence=0.9")
    with pytest.raises(DataError, match=r"eval\.confidence: 0\.95 against 0\.9"):
        compare_runs([first, other])


def test_other_signatures_are_refused_field_by_field(runs: list[Path]) -> None:
    path = runs[1] / "comparison.json"
    comparison = read_json(path)
    comparison["metrics"][0]["signature"] = comparison["metrics"][0]["signature"].replace("fmeasure", "recall")
    write_json(path, comparison)
    with pytest.raises(DataError, match="signature of rouge1: fmeasure against recall"):
        compare_runs(runs)


def test_another_sampling_seed_is_no_other_decoding(tmp_path: Path) -> None:
    found = compare_runs([make_run(tmp_path / str(n), n, decoding=f"sampled, seed={n}, top_p=1") for n in (1, 2)])
    assert any("base scores are not the same in every run" in note for note in notes_of(found))


def test_metrics_that_not_every_run_has_are_left_out_and_named(runs: list[Path], tmp_path: Path) -> None:
    fewer = make_run(tmp_path / "fewer", 4, "eval.metrics=[rouge1]")
    found = compare_runs([*runs, fewer])
    assert [m.metric for m in found.combined] == ["rouge1"]
    assert "left out, because not every run has it: bleu" in notes_of(found)
    other = make_run(tmp_path / "other", 5, "eval.metrics=[bleu]", "eval.primary=bleu")
    with pytest.raises(DataError, match=r"differ in eval\.primary: ROUGE-1 against BLEU-4"):
        compare_runs([fewer, other])


def test_what_is_no_run_is_refused(runs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is given twice"):
        compare_runs([runs[0], runs[0]])
    with pytest.raises(DataError, match="nowhere is no directory"):
        compare_runs([tmp_path / "nowhere"])
    (runs[0] / "scores.jsonl").unlink()
    with pytest.raises(DataError, match=r"holds no scores\.jsonl; score the run: mentalft run_dir="):
        compare_runs(runs)
    write_json(runs[1] / "comparison.json", {"items": 3})
    with pytest.raises(DataError, match=r"comparison\.json: not what mentalft writes there"):
        compare_runs(runs[1:])


def test_a_copy_is_named_and_so_are_other_families_of_tests(runs: list[Path], tmp_path: Path) -> None:
    fewer = make_run(tmp_path / "fewer", 1, "eval.metrics=[rouge1]")
    notes = " ".join(notes_of(compare_runs([runs[0], runs[1], fewer])))
    assert "run 3 has the very scores of run 1" in notes
    assert "these hold 0 and 1; in the rows of all it is 0" in notes
    assert "very scores" not in " ".join(notes_of(compare_runs(runs)))


def test_other_contenders_are_refused(runs: list[Path]) -> None:
    path = runs[1] / "comparison.json"
    comparison = read_json(path)
    write_json(path, {**comparison, "contenders": ["base", "tuned", "other"]})
    with pytest.raises(DataError, match="compare other contenders: tuned with base against tuned, other with base"):
        compare_runs(runs, pool=True)
