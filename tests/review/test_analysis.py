"""Raters of whom everything is known are found out to be what they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mentalft.judging.people import REVIEWED
from mentalft.records import Interval, Vote
from mentalft.review.analysis import evaluate
from mentalft.review.answers import take_in
from mentalft.review.evidence import evidence_of
from mentalft.review.export import export
from mentalft.review.pairs import write_pairs
from mentalft.review.records import Review
from mentalft.runs.files import VOTES
from mentalft.show.evidence import evidence_markdown
from tests.review.simulated import Rater, asked, write_run, write_saved

PLAIN, LEANING = Rater(tells=0.9), Rater(first=0.3)


def reviewed(folder: Path, raters: dict[str, Rater], items: int = 90, seed: int = 0, **more: object) -> Review:
    run = write_run(folder / "run", items, turns=1, **more)  # type: ignore[arg-type]
    key, _ = export(run, asked(items, len(raters), repeat=30), "zh")
    list(take_in(run, write_saved(folder, key, raters, seed)))
    return evaluate(run)


def holds(interval: Interval | None, truth: float) -> bool:
    return interval is not None and interval.low <= truth <= interval.high


@pytest.mark.parametrize("rater", [PLAIN, LEANING])
def test_known_raters_are_recovered(rater: Rater, tmp_path: Path) -> None:
    found = reviewed(tmp_path, dict.fromkeys(("r1", "r2", "r3"), rater), seed=3)
    preference, (choice,) = found.preferences["tuned"], found.agreement
    assert holds(preference.rate.interval, rater.win_rate)
    assert holds(preference.over_raters, rater.win_rate)
    assert holds(choice.kappa and choice.kappa.interval, rater.kappa)
    assert holds(choice.alpha and choice.alpha.interval, rater.kappa)
    assert holds(found.first and found.first.interval, rater.first_share)
    assert (found.first_p < 0.05) == (rater is LEANING)
    assert holds(found.told and found.told.interval, rater.tells)
    if rater is PLAIN:
        assert holds(found.repeated and found.repeated.interval, rater.same_again)
    assert preference.wins + preference.ties + preference.losses == 270


def test_a_metric_that_goes_with_the_raters_is_told_from_one_that_does_not(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", 60)
    key, _ = export(run, asked(60), "zh")
    rater = Rater(wins=(0.5, 0.1, 0.4), follows=0.9)
    files = write_saved(tmp_path, key, {"r1": rater, "r2": rater, "r3": rater}, seed=2)
    list(take_in(run, files))
    evaluate(run)
    # the same choices, in a run whose BLEU knows what most raters chose
    leaning: dict[str, float] = {}
    for row in REVIEWED.load(run):
        leaning[row.id] = leaning.get(row.id, 0) + {"tuned": 1, "base": -1}.get(row.choice or "", 0)
    knowing = write_run(tmp_path / "knowing", 60, gains=[leaning[f"{n}#1"] / 10 for n in range(60)])
    known, _ = export(knowing, asked(60), "zh")
    list(take_in(knowing, write_saved(tmp_path, known, {"r1": rater, "r2": rater, "r3": rater}, seed=2)))
    bleu, meteor = evaluate(knowing).metrics
    assert bleu.tau
    assert bleu.tau.interval
    assert bleu.tau.interval.low > 0.3
    assert holds(meteor.tau and meteor.tau.interval, 0)
    lines = str(evidence_markdown([evidence_of(knowing)], "en"))  # type: ignore[list-item]
    assert "goes with them" in lines
    assert "not shown to" in lines


def test_ratings_are_held_against_the_baselines_and_agreed_on(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", 30)
    key, _ = export(run, asked(30, 2, rubric="counselbench"), "en")
    files = write_saved(tmp_path, key, {"r1": PLAIN, "r2": PLAIN})
    for number, path in enumerate(files):
        saved = json.loads(path.read_text())
        sides = {q.id: q.sides for q in key.pages[saved["rater"]]}
        for place, answer in enumerate(saved["answers"]):
            pair = [4, 2] if sides[answer["id"]][0] == "tuned" else [2, 4]
            answer["ratings"] = {"empathy": pair, "toxicity": pair, "specificity": [1 + (place + number) % 5, None]}
        path.write_text(json.dumps(saved))
    list(take_in(run, files))
    found = evaluate(run)
    empathy, toxicity = found.ratings
    assert (empathy.dimension, empathy.baseline_mean, empathy.mean, empathy.difference.value) == ("empathy", 2, 4, 2)
    assert empathy.ratings == 60
    agreement = {a.dimension: a for a in found.agreement}
    assert agreement["empathy"].alpha
    assert agreement["empathy"].kappa
    assert agreement["empathy"].alpha.value == agreement["empathy"].kappa.value == 1
    assert "overall_quality" not in agreement  # nobody gave anything for it
    assert not toxicity.higher_is_better
    table = next(t for t in evidence_of(run).tables if "ratings" in t.title.key)  # type: ignore[union-attr]
    assert [row["difference"].kind for row in table.rows] == ["better", "worse"]


def test_who_does_not_read_is_said_and_can_be_thought_away(tmp_path: Path) -> None:
    raters = {"r1": PLAIN, "r2": PLAIN, "r3": Rater(wins=(0, 0, 1), follows=0, attends=False)}
    found = reviewed(tmp_path, raters, 40)
    assert [r.attentive for r in found.raters] == [True, True, False]
    preference = found.preferences["tuned"]
    assert preference.attentive
    assert preference.attentive.value > preference.rate.value + 0.1
    run = tmp_path / "run"
    VOTES.save(run, [_vote(choice) for choice in ("left", "left", "tie", "right")])
    evidence = evidence_of(run)
    assert evidence
    for language in ("en", "zh"):
        text = "\n".join("\n".join(block) for block in evidence_markdown([evidence], language))
        assert "r3" in text
        assert {"en": "tuned 62% (2 wins, 1 ties, 1 losses)", "zh": "微调 62%（2 胜、1 平、1 负）"}[language] in text
    assert {figure.key for figure in evidence.summary} >= {"tuned/win_rate", "alpha/choice", "first", "tau/bleu"}


def _vote(choice: str) -> Vote:
    return Vote("2026-11-28T10:00:00Z", "c", 1, 1, "0" * 64, ("tuned", "base"), choice, "greedy", {})  # type: ignore[arg-type]


def test_one_rater_and_hardly_anything(tmp_path: Path) -> None:
    found = reviewed(tmp_path, {"r1": Rater(wins=(1, 0, 0), follows=1)}, 3)
    preference, (choice,) = found.preferences["tuned"], found.agreement
    assert preference.rate.value == 1
    assert preference.rate.interval
    assert preference.rate.interval.low < 0.8
    assert (preference.over_raters, choice.kappa, choice.alpha, found.ceiling) == (None, None, None, None)
    assert all(metric.tau is None for metric in found.metrics)
    assert evidence_of(tmp_path / "run")


def test_pairs_for_dpo_are_what_most_raters_chose(tmp_path: Path) -> None:
    reviewed(tmp_path, {"r1": PLAIN, "r2": PLAIN, "r3": PLAIN}, 20)
    run, path = tmp_path / "run", tmp_path / "pairs.jsonl"
    written = write_pairs(run, path)
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == written.pairs
    assert written.pairs + written.undecided == 20
    votes: dict[str, int] = {}
    for row in REVIEWED.load(run):
        votes[row.id] = votes.get(row.id, 0) + {"tuned": 1, "base": -1}.get(row.choice or "", 0)
    for row in rows:
        assert row.keys() == {"prompt", "chosen", "rejected"}
        assert row["prompt"][-1]["role"] == "user"
        number = row["prompt"][-1]["content"].removeprefix("第").partition("晚")[0]
        (chosen,) = row["chosen"]
        assert chosen == {"role": "assistant", "content": f"回答{number}来自第{int(votes[f'{number}#1'] > 0)}个"}
        assert row["rejected"][0]["content"] != chosen["content"]
    with pytest.raises(Exception, match="nothing is written over it"):
        write_pairs(run, path)
