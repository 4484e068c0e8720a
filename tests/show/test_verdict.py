"""One sentence says where tuned is better, worse, or not to be told from base."""

from __future__ import annotations

from dataclasses import replace

from mentalft.records import UNDECIDED, WORSE
from mentalft.show.verdict import verdict_sentence
from tests.show.compared import BLEU, COMPARISON, changed, with_a_third

CHRF = changed(BLEU, metric="chrf", title="chrF", verdict=WORSE)
ROUGE = changed(BLEU, metric="rougeL", title="ROUGE-L", verdict=UNDECIDED)


def test_every_metric_is_named_under_its_verdict() -> None:
    mixed = replace(COMPARISON, metrics=(BLEU, CHRF, ROUGE))
    assert verdict_sentence(mixed) == (
        "The tuned model is better on 1 of 3 metrics (BLEU); worse on 1 of 3 (chrF); no evidence of a difference on 1 "
        "(ROUGE-L), over 10 answers from 16 dialogues."
    )
    assert "3 项指标中 1 项更好（BLEU）；3 项中 1 项更差（chrF）" in verdict_sentence(mixed, "zh")


def test_no_difference_at_all_is_said_plainly() -> None:
    nothing = replace(COMPARISON, metrics=(ROUGE,))
    assert verdict_sentence(nothing).startswith("There is no evidence of a difference")


def test_each_contender_has_its_sentence() -> None:
    assert verdict_sentence(with_a_third(COMPARISON)) == (
        "tuned is better on 1 of 1 metrics (BLEU) than base, over 10 answers from 16 dialogues. There is no evidence of a "
        "difference between base and other-7b on any of 1 metrics, over 10 answers from 16 dialogues."
    )
    assert "other-7b" in verdict_sentence(with_a_third(COMPARISON), "zh")
