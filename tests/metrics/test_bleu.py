"""BLEU equals NLTK's on jieba words, and has an answer where NLTK has none."""

from __future__ import annotations

import jieba
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

from mentalft.metrics.bleu import SIGNATURE, bleu
from tests.metrics.pairs import PAIRS


def by_nltk(response: str, reference: str) -> float:
    hypothesis = [w for w in jieba.lcut(response) if w.strip()]
    target = [w for w in jieba.lcut(reference) if w.strip()]
    return float(sentence_bleu([target], hypothesis, smoothing_function=SmoothingFunction().method4))


@pytest.mark.parametrize(("response", "reference"), PAIRS)
def test_golden(response: str, reference: str) -> None:
    score = bleu([response], [[reference]])[0]
    words = [w for w in jieba.lcut(response) if w.strip()]
    if len(words) > 1:
        assert score == pytest.approx(by_nltk(response, reference), abs=1e-12)
    assert 0 <= score <= 1


def test_hand_computed() -> None:
    """Four words, all in the reference of five: precisions 1, brevity penalty exp(1 - 5/4)."""
    assert bleu(["a b c d"], [["a b c d e"]])[0] == pytest.approx(0.7788007830714049)


def test_empty_scores_0_and_is_not_skipped() -> None:
    assert bleu(["", "a b c d e"], [["好的"], ["a b c d e"]]) == [0.0, pytest.approx(1.0)]


def test_the_best_of_several_references_counts() -> None:
    several = bleu(["我们 一起 慢慢 来"], [["完全 不同 的 话", "我们 一起 慢慢 来"]])[0]
    assert several == pytest.approx(1.0)


@given(st.text(max_size=60), st.text(min_size=1, max_size=60))
def test_never_crashes_and_stays_between_0_and_1(response: str, reference: str) -> None:
    assert 0 <= bleu([response], [[reference]])[0] <= 1


def test_signature_names_what_scores_depend_on() -> None:
    for part in ("order:4", "method4", "jieba-0.42.1", "nltk:"):
        assert part in SIGNATURE
