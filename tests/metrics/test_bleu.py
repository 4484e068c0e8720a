"""BLEU equals NLTK's, for every order and smoothing, and has an answer where there is nothing to count."""

from __future__ import annotations

import warnings

import jieba
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

from mentalft.metrics.bleu import bleu, signature
from mentalft.metrics.tokens import tokenizer
from tests.metrics.pairs import PAIRS, short

JIEBA, CHAR = tokenizer("jieba"), tokenizer("char")
SMOOTHINGS = [f"method{n}" for n in range(6)]


def score(response: str, *references: str, order: int = 4, smoothing: str = "method4") -> float:
    return bleu(order, smoothing, JIEBA, [response], [references])[0]


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_golden(order: int, smoothing: str) -> None:
    pairs = [p for p in PAIRS if short(p)] if smoothing != "method4" or order != 4 else PAIRS
    found = bleu(order, smoothing, JIEBA, [r for r, _ in pairs], [[r] for _, r in pairs])
    for (response, reference), value in zip(pairs, found, strict=True):
        hypothesis, target = ([w for w in jieba.lcut(t) if not w.isspace()] for t in (response, reference))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            smooth = getattr(SmoothingFunction(), smoothing)
            expected = sentence_bleu([target], hypothesis, [1 / order] * order, smooth) if hypothesis else 0.0
        assert value == pytest.approx(expected, abs=1e-12), (response, reference)


def test_hand_computed() -> None:
    """Four words, all in the reference of five: precisions 1, brevity penalty exp(1 - 5/4)."""
    assert score("a b c d", "a b c d e") == pytest.approx(0.7788007830714049)


def test_empty_scores_0_and_is_not_skipped() -> None:
    assert bleu(4, "method4", JIEBA, ["", "a b c d e"], [["好的"], ["a b c d e"]]) == [0.0, pytest.approx(1.0)]


def test_one_token_scores() -> None:
    assert 0 < score("嗯", "嗯，我在听") < score("嗯", "嗯") <= 1


def test_the_best_of_several_references_counts() -> None:
    assert score("我们 一起 慢慢 来", "完全 不同 的 话", "我们 一起 慢慢 来") == pytest.approx(1.0)


@given(st.text(max_size=60), st.text(max_size=60), st.sampled_from(SMOOTHINGS))
def test_never_crashes_and_is_never_negative(response: str, reference: str, smoothing: str) -> None:
    for tokens in (JIEBA, CHAR):
        assert 0 <= bleu(4, smoothing, tokens, [response], [[reference]])[0] < 1.5  # method5 may exceed 1


def test_signature_names_what_scores_depend_on() -> None:
    for part in ("order:4", "method4", "jieba-0.42.1", "nltk:"):
        assert part in signature(4, "method4", JIEBA)
