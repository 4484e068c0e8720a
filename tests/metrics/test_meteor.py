"""METEOR by exact words equals NLTK's where nothing but exact words can match, and needs no data."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.translate.meteor_score import exact_match

from mentalft.metrics.meteor import meteor
from mentalft.metrics.tokens import tokenizer
from tests.metrics.pairs import PAIRS

JIEBA = tokenizer("jieba")


def by_formula(response: list[str], reference: list[str]) -> float:
    """Banerjee and Lavie: F-mean 10PR/(R + 9P), times 1 - 0.5 (pieces / matches)^3."""
    matches = sorted(exact_match([w.lower() for w in response], [w.lower() for w in reference])[0])
    if not matches:
        return 0.0
    precision, recall = len(matches) / len(response), len(matches) / len(reference)
    pieces = 1 + sum((b[0] - a[0], b[1] - a[1]) != (1, 1) for a, b in itertools.pairwise(matches))
    f_mean = 10 * precision * recall / (recall + 9 * precision)
    return f_mean * (1 - 0.5 * (pieces / len(matches)) ** 3)


def test_golden() -> None:
    found = meteor(JIEBA, [a for a, _ in PAIRS], [[b] for _, b in PAIRS])
    for (response, reference), score in zip(PAIRS, found, strict=True):
        expected = by_formula(list(JIEBA.tokens(response)), list(JIEBA.tokens(reference)))
        assert score == pytest.approx(expected, abs=1e-12), (response, reference)


def test_words_in_another_order_score_less() -> None:
    inorder, reordered = meteor(JIEBA, ["a b c d", "d b a c"], [["a b c d"]] * 2)
    assert reordered < inorder < 1
    assert inorder == pytest.approx(1 - 0.5 / 64)


def test_the_best_reference_counts() -> None:
    assert meteor(JIEBA, ["慢慢来"], [["别的话", "慢慢来"]]) == meteor(JIEBA, ["慢慢来"], [["慢慢来"]])


@given(st.text(max_size=40), st.text(max_size=40))
def test_never_crashes_and_stays_between_0_and_1(response: str, reference: str) -> None:
    assert 0 <= meteor(JIEBA, [response], [[reference]])[0] <= 1
