"""Which function a metric's name in the configuration stands for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mentalft.metrics import bleu as _bleu
from mentalft.metrics import length as _length
from mentalft.metrics import rouge as _rouge
from mentalft.metrics.cosine import Embed, cosine

Floats = NDArray[np.float64]
Score = Callable[[Sequence[str], Sequence[Sequence[str]]], Floats]
"""Responses and references in, (items, parts) out: what is added up over items."""
Total = Callable[[Floats], Floats]
"""Sums of parts (…, parts) in, score (…) out; vectorised over the leading axes, and 0.0 for sums of zero."""


def mean(sums: Floats) -> Floats:
    """The :data:`Total` of parts ``(score, 1)``."""
    count = sums[..., 1]
    return np.asarray(np.where(count > 0, sums[..., 0] / np.where(count > 0, count, 1.0), 0.0))


def mean_of(scores: Callable[[Sequence[str], Sequence[Sequence[str]]], Sequence[float]]) -> Score:
    """A score an item as parts ``(score, 1)``."""

    def parts(responses: Sequence[str], references: Sequence[Sequence[str]]) -> Floats:
        found = np.asarray(scores(responses, references), dtype=np.float64)
        return np.stack([found, np.ones_like(found)], axis=1)

    return parts


MEAN: Total = mean


class Metric(NamedTuple):
    title: str
    signature: str
    """Scores with unequal signatures must not be compared."""
    score: Score
    total: Total = MEAN
    higher_is_better: bool = True


class Embedder(NamedTuple):
    name: str
    embed: Embed


def metrics_by_name(names: Sequence[str], embedder: Callable[[], Embedder]) -> dict[str, Metric]:
    """The metrics called ``names``, in that order; ``embedder`` is called only if one of them needs it."""
    found: dict[str, Metric] = {}
    for name in names:
        if name == "cosine":
            used = embedder()
            found[name] = Metric(
                "cosine", f"cosine|refs:max|embedder:{used.name}", mean_of(partial(cosine, used.embed))
            )
        else:
            found[name] = PLAIN[name]
    return found


PLAIN = {
    "bleu": Metric("BLEU", _bleu.SIGNATURE, mean_of(_bleu.bleu)),
    "rouge1": Metric("ROUGE-1", _rouge.signature("rouge1"), mean_of(_rouge.rouge1)),
    "rouge2": Metric("ROUGE-2", _rouge.signature("rouge2"), mean_of(_rouge.rouge2)),
    "rougeL": Metric("ROUGE-L", _rouge.signature("rougeL"), mean_of(_rouge.rouge_l)),
    "length": Metric("length", _length.SIGNATURE, mean_of(_length.length_quality)),
}


def total_of(name: str) -> Total:
    """How parts that an earlier run stored become a score; needs no embedder, and loads nothing."""
    return PLAIN[name].total if name in PLAIN else MEAN
