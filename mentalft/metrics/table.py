"""Which function a metric's name in the configuration stands for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from mentalft.metrics import bleu as _bleu
from mentalft.metrics import length as _length
from mentalft.metrics import rouge as _rouge
from mentalft.metrics.cosine import Embed, cosine

Score = Callable[[Sequence[str], Sequence[Sequence[str]]], list[float]]


class Metric(NamedTuple):
    title: str
    signature: str
    """Scores with unequal signatures must not be compared."""
    score: Score


class Embedder(NamedTuple):
    name: str
    embed: Embed


def metrics_by_name(names: Sequence[str], embedder: Callable[[], Embedder]) -> dict[str, Metric]:
    """The metrics called ``names``, in that order; ``embedder`` is called only if one of them needs it."""
    found: dict[str, Metric] = {}
    for name in names:
        if name == "cosine":
            used = embedder()
            found[name] = Metric("cosine", f"cosine|refs:max|embedder:{used.name}", partial(cosine, used.embed))
        else:
            found[name] = PLAIN[name]
    return found


PLAIN = {
    "bleu": Metric("BLEU", _bleu.SIGNATURE, _bleu.bleu),
    "rouge1": Metric("ROUGE-1", _rouge.signature("rouge1"), _rouge.rouge1),
    "rouge2": Metric("ROUGE-2", _rouge.signature("rouge2"), _rouge.rouge2),
    "rougeL": Metric("ROUGE-L", _rouge.signature("rougeL"), _rouge.rouge_l),
    "length": Metric("length", _length.SIGNATURE, _length.length_quality),
}
