"""ROUGE as the packages ``rouge`` and ``rouge_chinese`` define it, to reproduce figures of tools that use them. 0 to 1.

They differ from Lin's ROUGE (:mod:`mentalft.metrics.rouge`) in that an n-gram counts once however often it occurs,
so answers that repeat themselves lose nothing, and that punctuation counts as words. ROUGE-L of ``rouge`` counts the
different words on the longest common subsequences of all pairs of sentences; that of ``rouge_chinese`` is the usual
one of the whole texts. ``1e-8`` in the F-measure is theirs, so identical texts score 0.999999995.
Definitions read from rouge 1.0.1 (ms-swift, EmoLLM) and rouge_chinese 1.0.3 (LLaMA-Factory); tests hold them equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import chain

from mentalft.metrics.tokens import Tokenizer

Words = list[list[str]]
"""The words of each sentence."""

_BREAKS = (
    (r"[。！？?]", r"[^”’]"),
    (r"\.{6}", r"[^”’]"),
    (r"…{2}", r"[^”’]"),
    (r"[。！？?][”’]", r"[^，。！？?]"),
)
"""Where ``rouge_chinese`` ends a sentence, and what must follow."""


def signature(kind: str, variant: str, tokenizer: Tokenizer) -> str:
    return f"{kind}|fmeasure|ngrams:{variant}|tok:{tokenizer.signature}|refs:max"


def rouge_sets(
    kind: str, variant: str, tokenizer: Tokenizer, responses: Sequence[str], references: Sequence[Sequence[str]]
) -> list[float]:
    """Score each response by its best reference; one without words scores 0.

    Args:
        kind: ``rouge1``, ``rouge2`` or ``rougeL``.
        variant: ``rouge`` or ``rouge_chinese``.
        responses: (items,) texts.
        references: (items,) of at least one text each.
    """
    sentences = _SENTENCES[variant]

    def one(response: str, reference: str) -> float:
        texts = [" ".join(tokenizer.tokens(text)) for text in (response, reference)]
        if not all(text.split() for text in texts):
            return 0.0
        found = [[" ".join(s.split()).split(" ") for s in sentences(text) if s] for text in texts]
        return _score(kind, variant, *found) if all(found) else 0.0

    return [max(one(response, ref) for ref in refs) for response, refs in zip(responses, references, strict=True)]


def _sentences_chinese(text: str) -> list[str]:
    for end, following in _BREAKS:
        text = re.sub(f"({end})({following})", r"\1\n\2", text)
    return text.rstrip().split("\n")


_SENTENCES: dict[str, Callable[[str], list[str]]] = {
    "rouge": lambda text: text.split("."),
    "rouge_chinese": _sentences_chinese,
}


def _score(kind: str, variant: str, response: Words, reference: Words) -> float:
    answer, target = list(chain(*response)), list(chain(*reference))
    if kind != "rougeL":
        order = int(kind[-1])
        a, b = ({tuple(words[i : i + order]) for i in range(len(words) - order + 1)} for words in (answer, target))
        return _f(len(a & b), len(a), len(b))
    if variant == "rouge_chinese":
        return _f(len(_common_subsequence(target, answer)), len(answer), len(target))
    common = {word for ref in reference for sentence in response for word in _common_subsequence(ref, sentence)}
    return _f(len(common), len(set(answer)), len(set(target)))


def _f(common: int, answer: int, reference: int) -> float:
    precision, recall = common / answer if answer else 0.0, common / reference if reference else 0.0
    return 2 * (precision * recall / (precision + recall + 1e-8))


def _common_subsequence(x: Sequence[str], y: Sequence[str]) -> list[str]:
    """A longest common subsequence; of several, the one that both packages find (a tie drops the last word of y)."""
    lengths = [[0] * (len(y) + 1)]
    for word in x:
        above, row = lengths[-1], [0]
        for j, other in enumerate(y):
            row.append(above[j] + 1 if word == other else max(above[j + 1], row[j]))
        lengths.append(row)
    i, j, found = len(x), len(y), []
    while i and j:
        if x[i - 1] == y[j - 1]:
            found.append(x[i - 1])
            i, j = i - 1, j - 1
        elif lengths[i - 1][j] > lengths[i][j - 1]:
            i -= 1
        else:
            j -= 1
    return found[::-1]
