"""Distinct-1 and -2 of each answer: different n-grams among all its n-grams. Higher is more varied, 0 to 1.

Li et al. 2016 (arXiv 1510.03055), taken within an answer and averaged over answers; it shows answers that loop. It
takes no reference, and a short answer is varied by itself, so it rises where answers shrink: read it beside ``length``.
Li's own figure counts different n-grams over all answers together. That one is no sum over answers (an n-gram counts
once, wherever it occurs), and a resample, in which answers stand twice, always has fewer: it cannot be bootstrapped,
so it is not offered as a metric; :func:`corpus_distinct` gives it for a set of answers as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from mentalft.metrics.registry import Given, Made, Metric, per_item, register
from mentalft.metrics.tokens import Tokenizer


def signature(order: int, tokenizer: Tokenizer) -> str:
    return f"distinct|order:{order}|tok:{tokenizer.signature}|level:answer"


def distinct(
    order: int,
    tokenizer: Tokenizer,
    responses: Sequence[str],
    references: Sequence[Sequence[str]],  # noqa: ARG001
) -> list[float]:
    """Score each response; one without n-grams (empty, or shorter than ``order`` tokens) scores 0."""
    return [_share([_ngrams(tokenizer.tokens(response), order)]) for response in responses]


def corpus_distinct(order: int, tokenizer: Tokenizer, responses: Sequence[str]) -> float:
    """Different n-grams among all n-grams of all responses; falls as responses grow in number."""
    return _share([_ngrams(tokenizer.tokens(response), order) for response in responses])


def _ngrams(tokens: Sequence[str], order: int) -> list[tuple[str, ...]]:
    return list(zip(*(tokens[start:] for start in range(order)), strict=False))


def _share(by_answer: list[list[tuple[str, ...]]]) -> float:
    ngrams = [ngram for found in by_answer for ngram in found]
    return len(set(ngrams)) / len(ngrams) if ngrams else 0.0


def _make(order: int, given: Given) -> Made:
    return per_item(signature(order, given.tokens), partial(distinct, order, given.tokens))


for _order in (1, 2):
    register(
        Metric(
            name=f"distinct{_order}",
            title=f"Distinct-{_order}",
            about={
                "en": "share of different n-grams among the answer's n-grams, mean over answers; "
                "high is varied, not better as such",
                "zh": "回答中不重复 n 元词组所占的比例，按回答取平均；高只表示用词多样",
            },
            scale="0–1",
            make=partial(_make, _order),
            diagnostic=True,
        )
    )
