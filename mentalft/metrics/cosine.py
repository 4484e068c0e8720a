"""Embedding cosine: how close answer and reference are in meaning, as an embedder sees it. Higher is better, -1 to 1.

Reimers and Gurevych 2019 (arXiv 1908.10084). What it measures depends on the embedder: two warm but
unrelated answers can be close, and what stands after the embedder's length limit does not count. An empty answer
scores 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Embed = Callable[[Sequence[str]], NDArray[np.float32]]
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
) -> str | None:
    """How many answers and references the embedder does not read to their end, in words; None if it reads all."""
    targets = [ref for refs in references for ref in refs]
    answers_cut, references_cut = sum(is_cut(responses)), sum(is_cut(targets))
    if not answers_cut + references_cut:
        return None
    return (
        f"cosine: the embedder does not read to their end {answers_cut} of {len(responses)} answers and "
        f"{references_cut} of {len(targets)} references"
    )
