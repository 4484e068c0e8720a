"""The headline: what the primary metric says, and what keeps it from being sure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mentalft.records import Comparison, Interval, Leakage, Verdict
from mentalft.show.verdict import short_verdict, verdict_sentence
from mentalft.words import told
from tests.show.compared import BLEU, COMPARISON, changed, gate, said, with_a_third

CHRF = changed(BLEU, metric="chrf", title="chrF", verdict="worse", role="secondary")
ROUGE = changed(
    BLEU, metric="rougeL", title="ROUGE-L", difference=0.0306, interval=Interval(0.0221, 0.0392), length_controlled=None
)
FAIR = replace(COMPARISON, gates=(), metrics=(ROUGE, CHRF), items=272, dialogues=74)


def knowing(leakage: Leakage, *, demonstration: bool = False) -> Comparison:
    return replace(FAIR, leakage={"tuned": leakage}, demonstration=demonstration)


def test_the_primary_metric_alone_is_spoken_of() -> None:
    found = knowing(Leakage(True, said("none")), demonstration=True)
    assert verdict_sentence(found) == (
        "The tuned model is better: ROUGE-L +0.031 (95 % +0.022 … +0.039), on 272 replies of 74 dialogues the models were "
        "not trained on."
    )
    assert verdict_sentence(found, "zh") == (
        "微调后的模型更好：ROUGE-L +0.031（95% 区间 +0.022 … +0.039）；依据 74 段对话的 272 条回复，模型没有在这些对话上训练过。"
    )


@pytest.mark.parametrize(
    ("verdict", "begins"),
    [("worse", "The tuned model is worse: "), ("undecided", "There is no evidence that the tuned model is better or")],
)
def test_worse_and_undecided_are_said_plainly(verdict: Verdict, begins: str) -> None:
    assert verdict_sentence(replace(FAIR, metrics=(changed(ROUGE, verdict=verdict),))).startswith(begins)


def test_what_is_not_known_of_the_training_data_is_not_assumed() -> None:
    assert verdict_sentence(FAIR).endswith("dialogues; whether it was trained on them is not known.")
    assert verdict_sentence(knowing(Leakage(False, said("?")))).endswith("is not known.")
    assert verdict_sentence(knowing(Leakage(True, said("none")))).endswith("that are not in its training data.")
    assert verdict_sentence(knowing(Leakage(True, said("some"), 3, 0.01))).endswith("74 dialogues.")


def test_a_caution_stands_in_the_headline_with_the_difference_at_equal_length() -> None:
    short = gate("the tuned answers are 0.48 times as long", contender="tuned", rule="shorter")
    found = verdict_sentence(replace(COMPARISON, gates=(short,)))
    assert found.startswith("The tuned model is better: BLEU +0.15")
    assert found.endswith(
        " Caution: the tuned answers are 0.48 times as long, at equal length, extrapolated, BLEU +0.11 (+0.05 … +0.17)."
    )


def test_no_verdict_is_given_where_the_comparison_is_not_fair() -> None:
    unfair = replace(FAIR, gates=(gate("every base answer repeats the question", "not_comparable"), gate("a caution")))
    assert verdict_sentence(unfair) == "Not comparable: every base answer repeats the question."
    assert verdict_sentence(unfair, "zh") == "不可比：every base answer repeats the question。"
    assert told(short_verdict(unfair)) == "not comparable: every base answer repeats the question"


def test_where_items_were_trained_on_the_others_speak_too() -> None:
    leaked = replace(FAIR, gates=(gate("tuned was trained on 40.0%", "not_comparable", "tuned"),), unseen=FAIR)
    assert verdict_sentence(leaked).startswith(
        "Not comparable: tuned was trained on 40.0%. Without the items that were trained on: The tuned model is better"
    )


def test_each_contender_has_its_sentence_and_its_own_gates() -> None:
    three = replace(with_a_third(COMPARISON), gates=(gate("other-7b is silent", "not_comparable", "other-7b"),))
    assert verdict_sentence(three) == (
        "tuned is better than base: BLEU +0.15 (95 % +0.10 … +0.20), on 10 replies of 16 dialogues; whether it was trained on "
        "them is not known.\nother-7b and base are not comparable: other-7b is silent."
    )
    assert told(short_verdict(three)) == "tuned: better: BLEU +0.15, other-7b: not comparable: other-7b is silent"
