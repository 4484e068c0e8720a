"""Corpus BLEU: n-gram matches summed over all answers before precisions are taken. Higher is better, 0 to 100.

Papineni et al. 2002, as ``sacrebleu`` computes it (Post 2018, arXiv 1804.08771): the one BLEU whose figures can be set
beside other people's, if the signatures are equal. Long answers weigh more than short ones, unlike in the mean of
sentence scores. The score of one answer alone is unsmoothed in all but name and good for wins and ties only.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from mentalft.metrics.registry import Given, Made, Metric, register
from mentalft.metrics.tokens import ASCII, Language, in_ascii

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ORDER = 4


def signature(language: Language) -> str:
    tok = _tokenize(language) + (ASCII if language == "zh" else "")
    return f"corpus_bleu|case:mixed|eff:no|tok:{tok}|smooth:exp|sacrebleu:{version('sacrebleu')}"


def parts(
    language: Language, responses: Sequence[str], references: Sequence[Sequence[str]]
) -> NDArray[np.float64]:  # (items, 10)
    """sacrebleu's sufficient statistics of each answer.

    Returns:
        (items, 10): tokens of answer and reference, matched n-grams of the orders 1 to 4, n-grams of the orders 1 to 4.
    """
    import numpy as np

    metric = _metric(language)
    if language == "zh":
        responses, references = list(map(in_ascii, responses)), [list(map(in_ascii, refs)) for refs in references]
    stats = metric._extract_corpus_statistics(list(responses), _streams(references)) if responses else []
    return np.array(stats, dtype=np.float64).reshape(len(responses), 2 + 2 * ORDER)


def total(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """sacrebleu's corpus score of summed statistics: (..., 10) in, (...) out.

    Exponential smoothing: the k-th order without a match has the precision ``1 / (2^k n-grams)``.
    """
    import numpy as np

    tokens, reference_tokens = sums[..., 0], sums[..., 1]
    matches, ngrams = sums[..., 2 : 2 + ORDER], sums[..., 2 + ORDER :]  # (..., order)
    unmatched = (matches == 0) & (ngrams > 0)
    smoothed = np.where(unmatched, 0.5 ** np.cumsum(unmatched, axis=-1), matches)
    scored = matches.any(axis=-1) & ngrams.all(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.exp(np.log(smoothed / ngrams).mean(axis=-1))
        brevity = np.minimum(1.0, np.exp(1 - reference_tokens / tokens))
        return np.where(scored, 100 * brevity * precision, 0.0)


@cache  # its tokenizer remembers what it has cut
def _metric(language: Language) -> Any:
    from sacrebleu.metrics import BLEU

    return BLEU(tokenize=_tokenize(language), force=True)


def _tokenize(language: Language) -> str:
    return {"zh": "zh", "en": "13a"}[language]


def _streams(references: Sequence[Sequence[str]]) -> list[list[str | None]]:
    """References the way sacrebleu takes them: the first of every item, the second of every item, …"""
    most = max(map(len, references))
    return [[refs[n] if n < len(refs) else None for refs in references] for n in range(most)]


def _make(given: Given) -> Made:
    return Made(signature(given.language), partial(parts, given.language))


register(
    Metric(
        name="corpus_bleu",
        title="corpus BLEU",
        title_zh="语料级 BLEU",
        about={"en": "BLEU-4 of counts summed over all answers", "zh": "全部回答合计计数的 BLEU-4"},
        scale="0–100",
        make=_make,
        total=total,
    )
)
