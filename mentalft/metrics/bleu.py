"""Sentence BLEU: how many of the answer's word 1- to 4-grams stand in a reference. Higher is better, 0 to 1.

Papineni et al. 2002, with NLTK's smoothing method 4 (Chen and Cherry 2014, doi 10.3115/v1/W14-3346):
short answers keep a score above 0. Words are jieba's, so scores are comparable only with other
scores of the same tokenizer. It measures wording, not whether an answer helps.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

from mentalft.metrics import tokens

SIGNATURE = f"bleu|order:4|smooth:method4|tok:{tokens.SIGNATURE}|level:sentence|nltk:{version('nltk')}"


def bleu(responses: Sequence[str], references: Sequence[Sequence[str]]) -> list[float]:
    """Score each response against its references; an empty response scores 0.

    Args:
        responses: (items,) texts.
        references: (items,) of at least one text each.
    """
    return [_one(response, refs) for response, refs in zip(responses, references, strict=True)]


def _one(response: str, references: Sequence[str]) -> float:
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

    hypothesis = tokens.words(response)
    targets = [tokens.words(reference) for reference in references]
    if not hypothesis or not any(targets):
        return 0.0
    if len(hypothesis) == 1:
        # method 4 divides by log(length): for one word it is undefined, so the smoothing before it (method 3) is used
        return float(sentence_bleu(targets, hypothesis, smoothing_function=SmoothingFunction().method3))
    return float(sentence_bleu(targets, hypothesis, smoothing_function=SmoothingFunction().method4))
