"""The primary metric is named before there are answers; that it was changed afterwards is not forgotten."""

from __future__ import annotations

from pathlib import Path

from mentalft.comparison.known import known_of
from mentalft.records import Answerer, Made
from mentalft.runs.declared import change, declare, declared_in
from mentalft.runs.files import MADE
from mentalft.runs.markers import unreadable
from mentalft.words import told
from tests.test_conf import composed


def naming(run_dir: Path, primary: str, *overrides: str) -> None:
    declare(composed(f"eval.primary={primary}", *overrides).eval, run_dir)


def answered(run_dir: Path, folder: str = "responses") -> None:
    (run_dir / folder).mkdir(parents=True, exist_ok=True)
    (run_dir / folder / "base.partial.0.jsonl").write_text("{}")
    MADE.save(run_dir, Made({"base": Answerer("transformers"), "tuned": Answerer("transformers")}, "greedy"))


def test_it_may_be_changed_until_there_are_answers(tmp_path: Path) -> None:
    for primary in ("rougeL", "bleu", "bleu"):
        naming(tmp_path, primary)
    assert [(one.metric, one.answers_seen) for one in declared_in(tmp_path)] == [("rougeL", False), ("bleu", False)]
    assert not unreadable(tmp_path), "and is taken for no marker of a stage"
    answered(tmp_path)
    assert change("bleu", tmp_path) is None


def test_a_later_change_is_told_until_it_is_taken_back(tmp_path: Path) -> None:
    naming(tmp_path, "rougeL")
    answered(tmp_path)
    naming(tmp_path, "bleu")
    assert change("bleu", tmp_path) == ("rougeL", "bleu")
    (gate,) = known_of(composed("eval.primary=bleu").eval, tmp_path).gates
    assert told(gate.clause) == "the primary metric was changed from ROUGE-L to BLEU-4 after the answers were seen"
    naming(tmp_path, "rougeL")
    assert change("rougeL", tmp_path) is None
    assert len(declared_in(tmp_path)) == 3


def test_answers_that_were_set_aside_have_been_seen_too(tmp_path: Path) -> None:
    naming(tmp_path, "rougeL")
    answered(tmp_path, "superseded/evaluate-1/responses")
    naming(tmp_path, "bleu")
    assert change("bleu", tmp_path) == ("rougeL", "bleu")


def test_of_answers_that_were_there_before_no_time_is_claimed(tmp_path: Path) -> None:
    naming(
        tmp_path,
        "rougeL",
        "eval.references=r.json",
        "eval.responses.base=b",
        "eval.responses.tuned=t",
        "stages=[compare]",
    )
    assert declared_in(tmp_path)[0].answers_seen is True
    assert change("rougeL", tmp_path) is None
    assert change("bleu", tmp_path) == ("rougeL", "bleu")
