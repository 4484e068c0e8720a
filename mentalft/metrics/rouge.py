"""ROUGE-1, -2 and -L F-measures: word overlap with the reference. Higher is better, 0 to 1.

Lin 2004 (aclanthology.org/W04-1013), computed by Google's ``rouge_score`` with jieba words handed to it:
its default tokenizer keeps ASCII alone and gives 0 to identical Chinese sentences. With several
references the best one counts. Punctuation is not counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib.metadata import version

from mentalft.metrics import tokens


def signature(kind: str) -> str:
    return f"{kind}|fmeasure|tok:{tokens.SIGNATURE},lower,no-punct|refs:max|rouge_score:{version('rouge_score')}"


class _Words:
    """What ``rouge_score`` asks of a tokenizer."""

    def tokenize(self, text: str) -> list[str]:
        return tokens.words_and_no_punctuation(text)


def rouge(kind: str, responses: Sequence[str], references: Sequence[Sequence[str]]) -> list[float]:
    """Score each response against its references; an empty response scores 0.

    Args:
        kind: ``rouge1``, ``rouge2`` or ``rougeL``.
        responses: (items,) texts.
        references: (items,) of at least one text each.
    """
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer([kind], tokenizer=_Words())
    return [
        max(float(scorer.score(reference, response)[kind].fmeasure) for reference in refs)
        for response, refs in zip(responses, references, strict=True)
    ]


rouge1, rouge2, rouge_l = partial(rouge, "rouge1"), partial(rouge, "rouge2"), partial(rouge, "rougeL")
