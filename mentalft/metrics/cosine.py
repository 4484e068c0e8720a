"""Embedding cosine: how close answer and reference are in meaning, as an embedder sees it. Higher is better, -1 to 1.

Reimers and Gurevych 2019 (arXiv 1908.10084). What it measures depends on the embedder: two warm but
unrelated answers can be close, and what stands after the embedder's length limit does not count. An empty answer
scores 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from mentalft.config import AUTO, EvalConfig
from mentalft.errors import ConfigError
from mentalft.metrics.registry import Embedder, Given, Made, Metric, per_item, register
from mentalft.words import Said

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNKNOWN = 0.1
"""Share of the references' tokens that an embedder does not know, from which on it reads another language."""
Embed = Callable[[Sequence[str]], "NDArray[np.float32]"]
"""Texts in, unit vectors out: (texts, dimensions)."""


def cosine(embed: Embed, responses: Sequence[str], references: Sequence[Sequence[str]]) -> list[float]:
    """Score each response by its nearest reference.

    Args:
        embed: see :data:`Embed`; each distinct text is embedded once.
        responses: (items,) texts.
        references: (items,) of at least one text each.
    """
    texts = sorted({*(r for r in responses if r.strip()), *(r for refs in references for r in refs)})
    row = {text: i for i, text in enumerate(texts)}
    vectors = embed(texts)  # (texts, dimensions)
    return [
        max(float(vectors[row[response]] @ vectors[row[ref]]) for ref in refs) if response.strip() else 0.0
        for response, refs in zip(responses, references, strict=True)
    ]


def cut_texts(
    is_cut: Callable[[Sequence[str]], Sequence[bool]], responses: Sequence[str], references: Sequence[Sequence[str]]
) -> Said | None:
    """How many answers and references the embedder does not read to their end; None if it reads all."""
    targets = [ref for refs in references for ref in refs]
    answers_cut, references_cut = sum(is_cut(responses)), sum(is_cut(targets))
    if not answers_cut + references_cut:
        return None
    return Said(
        "compare.embedder_cuts",
        {
            "answers_cut": answers_cut,
            "answers": len(responses),
            "references_cut": references_cut,
            "references": len(targets),
        },
    )


def _unfit(
    cfg: EvalConfig, references: Sequence[Sequence[str]], embedder: Callable[[], Embedder], demonstration: bool
) -> Said | None:
    if cfg.embedder == AUTO and not demonstration:
        return Said("compare.no_embedder")
    unknown = embedder().unknown([text for texts in references for text in texts])
    return Said("compare.foreign_embedder", {"name": cfg.embedder, "share": unknown}) if unknown > UNKNOWN else None


def _make(given: Given) -> Made:
    if given.embedder is None:
        raise ConfigError("eval.metrics holds 'cosine', and there is no embedder here")
    embedder = given.embedder()
    return per_item(
        f"cosine|refs:max|embedder:{embedder.name}",
        partial(cosine, embedder.embed),
        partial(cut_texts, embedder.is_cut),
    )


register(
    Metric(
        name="cosine",
        title="cosine",
        about={
            "en": "cosine of the sentence embeddings of answer and nearest reference",
            "zh": "回答与最近参考的句向量余弦",
        },
        scale="-1 to 1",
        make=_make,
        needs_embedder=True,
        unfit=_unfit,
    )
)
