"""ROUGE-1, -2 and -L F-measures: word overlap with the reference. Higher is better, 0 to 1.

Lin 2004 (aclanthology.org/W04-1013), as Google's ``rouge_score`` computes them, with our words handed to it: its
default tokenizer keeps ASCII alone and gives 0 to identical Chinese sentences. Words are lower-cased and punctuation
is not counted, as in that default. With several references the best one counts. ROUGE-L takes the answer as one
sequence. Help in other words than the reference's does not score.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache, partial
from importlib.metadata import version

from mentalft.metrics import rouge_sets
from mentalft.metrics.registry import Given, Made, Metric, per_item, register
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

    words = _Words(tokenizer)
    scorer = RougeScorer([kind], tokenizer=words)

    def one(response: str, reference: str) -> float:
        if kind == "rougeL":
            return _rouge_l(words.tokenize(response), words.tokenize(reference))
        return float(scorer.score(reference, response)[kind].fmeasure)

    return [max(one(response, ref) for ref in refs) for response, refs in zip(responses, references, strict=True)]


def _rouge_l(answer: Sequence[str], reference: Sequence[str]) -> float:
    """What ``rouge_score`` gives, in a tenth of its time, which was most of the time of all metrics."""
    common = _common_subsequence(answer, reference)
    return 2 * common / (len(answer) + len(reference)) if common else 0.0


def _common_subsequence(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest common subsequence, a row of the table in the bits of one integer.

    Hyyrö 2004, "Bit-parallel LCS-length computation revisited".
    """
    places: dict[str, int] = {}
    for i, word in enumerate(a):
        places[word] = places.get(word, 0) | 1 << i
    everywhere = row = (1 << len(a)) - 1
    for word in b:
        same = row & places.get(word, 0)
        row = (row + same) | (row - same)
    return len(a) - (row & everywhere).bit_count()


def _make(kind: str, given: Given) -> Made:
    variant, tokens = given.cfg.rouge_variant, given.rouge_tokens
    if variant == "rouge_score":
        return per_item(signature(kind, tokens), partial(rouge, kind, tokens))
    score = partial(rouge_sets.rouge_sets, kind, variant, tokens)
    return per_item(rouge_sets.signature(kind, variant, tokens), score)


for _kind, _en, _zh in (
    ("rouge1", "words", "词"),
    ("rouge2", "pairs of words", "相邻词对"),
    ("rougeL", "the longest common subsequence", "最长公共子序列"),
):
    register(
        Metric(
            name=_kind,
            title=f"ROUGE-{_kind[-1]}",
            about={
                "en": f"F-measure of {_en} shared with the best reference, mean over answers",
                "zh": f"与最接近的参考共有的{_zh}的 F 值，按回答取平均",
            },
            scale="0–1",
            make=partial(_make, _kind),
        )
    )
