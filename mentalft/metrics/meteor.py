"""Exact-match METEOR: F-mean of matched words, recall counting nine times, less for matches in many pieces. 0 to 1.

Banerjee and Lavie 2005 (aclanthology.org/W05-0909) by NLTK (alpha 0.9, beta 3, gamma 0.5), with words matched by
their form alone. Stems and WordNet synonyms, which give METEOR its name for tolerance, are English and are left out:
docs/decisions/009-meteor.md. Figures of full METEOR are higher and are not comparable.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from typing import Any

from mentalft.metrics.registry import Given, Made, Metric, per_item, register
from mentalft.metrics.tokens import Tokenizer


def signature(tokenizer: Tokenizer) -> str:
    return f"meteor|match:exact|case:lower|tok:{tokenizer.signature}|refs:max|nltk:{version('nltk')}"


class _NoStems:
    def stem(self, word: str) -> str:
        return word


class _NoSynonyms:
    def synsets(self, word: str) -> list[Any]:  # noqa: ARG002
        return []


def meteor(tokenizer: Tokenizer, responses: Sequence[str], references: Sequence[Sequence[str]]) -> list[float]:
    """Score each response by the reference it matches best; one without tokens scores 0."""
    from nltk.translate.meteor_score import meteor_score

    def one(response: str, refs: Sequence[str]) -> float:
        targets = [tokenizer.tokens(ref) for ref in refs]
        return float(
            meteor_score(targets, tokenizer.tokens(response), str.lower, stemmer=_NoStems(), wordnet=_NoSynonyms())
        )

    return [one(response, refs) for response, refs in zip(responses, references, strict=True)]


def _make(given: Given) -> Made:
    return per_item(signature(given.tokens), partial(meteor, given.tokens))


register(
    Metric(
        name="meteor",
        title="METEOR (exact)",
        title_zh="METEOR（精确匹配）",
        about={
            "en": "recall-weighted F of exact words, less for scattered matches",
            "zh": "偏重召回的精确词 F 值",
        },
        scale="0–1",
        make=_make,
    )
)
