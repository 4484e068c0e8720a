"""One sentence says where tuned is better, worse, or not to be told from base."""

from __future__ import annotations

from dataclasses import replace

from mentalft.records import UNDECIDED, WORSE
from mentalft.show.verdict import verdict_sentence
from tests.show.test_tables import BLEU, COMPARISON

TITLES = {"bleu": "BLEU", "chrf": "chrF", "rougeL": "ROUGE-L"}
CHRF = replace(BLEU, metric="chrf", verdict=WORSE)
ROUGE = replace(BLEU, metric="rougeL", verdict=UNDECIDED)


def test_every_metric_is_named_under_its_verdict() -> None:
    mixed = replace(COMPARISON, metrics=(BLEU, CHRF, ROUGE))
    assert verdict_sentence(mixed, TITLES) == (
        "The tuned model is better on 1 of 3 metrics (BLEU); worse on 1 of 3 (chrF); no evidence of a difference on 1 "
        "(ROUGE-L), over 10 answers from 16 dialogues."
    )
    assert "3 项指标中 1 项更好（BLEU）；1 项更差（chrF）" in verdict_sentence(mixed, TITLES, "zh")


def test_no_difference_at_all_is_said_plainly() -> None:
    nothing = replace(COMPARISON, metrics=(ROUGE,))
    assert verdict_sentence(nothing, TITLES).startswith("There is no evidence of a difference")
