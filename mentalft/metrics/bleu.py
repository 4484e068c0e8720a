"""Sentence BLEU-1 to -4: how many of the answer's n-grams stand in a reference. Higher is better, 0 to 1.

Papineni et al. 2002 (aclanthology.org/P02-1040) by NLTK, with equal weights for the orders 1 to n, and a smoothing
of Chen and Cherry 2014 (doi 10.3115/v1/W14-3346), without which most short answers score 0. It measures wording,
not whether an answer helps, and the mean over answers is not corpus BLEU (:mod:`mentalft.metrics.corpus_bleu`).
Tokenizer and smoothing each move it by more than tuning does: compare only scores of one signature.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import partial
from importlib.metadata import version

from mentalft.metrics.registry import Given, Made, Metric, per_item, register
from mentalft.metrics.tokens import Tokenizer


def signature(order: int, smoothing: str, tokenizer: Tokenizer) -> str:
    return f"bleu|order:{order}|smooth:{smoothing}|tok:{tokenizer.signature}|level:sentence|nltk:{version('nltk')}"


def bleu(
    order: int, smoothing: str, tokenizer: Tokenizer, responses: Sequence[str], references: Sequence[Sequence[str]]
) -> list[float]:
    """Score each response against its references; one without tokens scores 0.

    Args:
        order: the longest n-gram that counts.
        smoothing: a method of NLTK's ``SmoothingFunction``, ``method0`` (none) to ``method5``.
        responses: (items,) texts.
        references: (items,) of at least one text each.
    """
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

    smooth, weights = getattr(SmoothingFunction(), smoothing), (1 / order,) * order

    def one(response: str, refs: Sequence[str]) -> float:
        hypothesis = tokenizer.tokens(response)
        if not hypothesis:
            return 0.0
        targets = [tokenizer.tokens(ref) for ref in refs]
        return float(sentence_bleu(targets, hypothesis, weights, smoothing_function=smooth))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # method0 warns of every answer without a 4-gram in common
        return [one(response, refs) for response, refs in zip(responses, references, strict=True)]


def _make(order: int, given: Given) -> Made:
    smoothing = given.cfg.bleu_smoothing
    return per_item(signature(order, smoothing, given.tokens), partial(bleu, order, smoothing, given.tokens))


for _order in range(1, 5):
    register(
        Metric(
            name="bleu" if _order == 4 else f"bleu{_order}",
            title=f"BLEU-{_order}",
            about={
                "en": "n-grams of the answer that a reference has too; sentence BLEU, mean over answers",
                "zh": "回答与参考共有的 n 元词组；句子级 BLEU，按回答取平均",
            },
            scale="0–1",
            make=partial(_make, _order),
        )
    )
