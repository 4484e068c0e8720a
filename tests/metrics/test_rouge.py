"""ROUGE equals rouge_score's own arithmetic on jieba words, and does what its default tokenizer cannot."""

from __future__ import annotations

import jieba
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer, _create_ngrams, _score_lcs, _score_ngrams

from mentalft.metrics.rouge import rouge
from mentalft.metrics.tokens import tokenizer
from tests.metrics.pairs import PAIRS

JIEBA = tokenizer("jieba")


def rouge1(responses: list[str], references: list[list[str]]) -> list[float]:
    return rouge("rouge1", JIEBA, responses, references)


def words(text: str) -> list[str]:
    return [w.lower() for w in jieba.lcut(text) if any(c.isalnum() or c == "_" for c in w)]


@pytest.mark.parametrize(("response", "reference"), PAIRS)
def test_golden(response: str, reference: str) -> None:
    target, prediction = words(reference), words(response)
    for kind, order in (("rouge1", 1), ("rouge2", 2)):
        expected = _score_ngrams(_create_ngrams(target, order), _create_ngrams(prediction, order)).fmeasure
        assert rouge(kind, JIEBA, [response], [[reference]])[0] == pytest.approx(expected, abs=1e-12)
    assert rouge("rougeL", JIEBA, [response], [[reference]])[0] == pytest.approx(
        _score_lcs(target, prediction).fmeasure, abs=1e-12
    )


def test_the_default_tokenizer_of_the_reference_case_is_rouge_scores_own() -> None:
    expected = [RougeScorer(["rouge1"], use_stemmer=True).score(b, a)["rouge1"].fmeasure for a, b in PAIRS]
    found = rouge("rouge1", tokenizer("rouge_score"), [a for a, _ in PAIRS], [[b] for _, b in PAIRS])
    assert found == pytest.approx(expected, abs=1e-12)
    assert sum(score > 0 for score in found) < len(PAIRS) / 3


def test_characters_are_counted_one_by_one() -> None:
    """Three characters shared of three and four: P 1, R 3/4."""
    assert rouge("rouge1", tokenizer("char"), ["慢慢来"], [["慢慢来吧！"]])[0] == pytest.approx(6 / 7)


def test_hand_computed() -> None:
    """Three of four words shared with a reference of five: P 3/4, R 3/5, F 2/3."""
    assert rouge1(["a b c x"], [["a b c d e"]])[0] == pytest.approx(2 / 3)


def test_identical_chinese_scores_1_where_the_default_tokenizer_gives_0() -> None:
    text = "愿意的话，我们慢慢说。"
    assert RougeScorer(["rouge1"]).score(text, text)["rouge1"].fmeasure == 0
    assert rouge1([text], [[text]]) == [1.0]


def test_mixed_text_counts_its_chinese_too() -> None:
    assert 0 < rouge1(["我最近 stress 很大"], [["我最近 stress 太大"]])[0] < 1


def test_the_best_of_several_references_counts_and_empty_scores_0() -> None:
    assert rouge1(["慢慢来", ""], [["别的话", "慢慢来"], ["在吗"]]) == [1.0, 0.0]


@given(st.text(max_size=60), st.text(min_size=1, max_size=60))
def test_never_crashes_and_stays_between_0_and_1(response: str, reference: str) -> None:
    for kind in ("rouge1", "rouge2", "rougeL"):
        assert 0 <= rouge(kind, JIEBA, [response], [[reference]])[0] <= 1
