"""ROUGE-1, -2 and -L F-measures: word overlap with the reference. Higher is better, 0 to 1.

Lin 2004 (aclanthology.org/W04-1013), computed by Google's ``rouge_score`` with our words handed to it: its default
tokenizer keeps ASCII alone and gives 0 to identical Chinese sentences. Words are lower-cased and punctuation is not
counted, as in that default. With several references the best one counts. ROUGE-L takes the answer as one sequence;
word order within a synonym, or help in other words, it cannot see.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version

from mentalft.metrics.tokens import TEXTS_KEPT, Tokenizer

_AS_THEY_ARE = ("jieba_raw", "jieba_stripped", "jieba_joined", "char_raw", "rouge_score")


def signature(kind: str, tokenizer: Tokenizer) -> str:
    filtered = "" if tokenizer.name in _AS_THEY_ARE else ",lower,no-punct"
    return f"{kind}|fmeasure|tok:{tokenizer.signature}{filtered}|refs:max|rouge_score:{version('rouge_score')}"


class _Words:
    """What ``rouge_score`` asks of a tokenizer."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.tokenize = tokenizer.tokens if tokenizer.name in _AS_THEY_ARE else lru_cache(TEXTS_KEPT)(self._counted)

    def _counted(self, text: str) -> tuple[str, ...]:
        """Lower-cased tokens that hold a letter or a digit of any script."""
        return tuple(token.lower() for token in self.tokenizer.tokens(text) if re.search(r"\w", token))


def rouge(
    kind: str, tokenizer: Tokenizer, responses: Sequence[str], references: Sequence[Sequence[str]]
) -> list[float]:
    """Score each response against its references; one without words scores 0.

    Args:
        kind: ``rouge1``, ``rouge2`` or ``rougeL``.
        responses: (items,) texts.
        references: (items,) of at least one text each.
    """
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer([kind], tokenizer=_Words(tokenizer))
    return [
        max(float(scorer.score(reference, response)[kind].fmeasure) for reference in refs)
        for response, refs in zip(responses, references, strict=True)
    ]
