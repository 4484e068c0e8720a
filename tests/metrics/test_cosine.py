"""Cosine equals sentence-transformers' own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from mentalft.assets import TINY_EMBEDDER
from mentalft.metrics.cosine import cosine, cut_texts
from mentalft.modeling.embedder import load_embedder
from mentalft.words import told
from tests.metrics.pairs import PAIRS


def test_golden() -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.util import cos_sim

    model = SentenceTransformer(str(TINY_EMBEDDER))
    expected = [float(cos_sim(model.encode(a), model.encode(b))) for a, b in PAIRS]
    found = cosine(load_embedder("embedded")[1], [a for a, _ in PAIRS], [[b] for _, b in PAIRS])
    for (response, _), want, score in zip(PAIRS, expected, found, strict=True):
        assert score == (pytest.approx(want, abs=1e-5) if response.strip() else 0.0)


def test_the_nearest_reference_counts_and_each_text_is_embedded_once() -> None:
    seen: list[str] = []

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        seen.extend(texts)
        return np.array([[1, 0] if "a" in t else [0, 1] for t in texts], dtype=np.float32)

    assert cosine(embed, ["a1", "b1", ""], [["b1", "a2"], ["a2"], ["a2"]]) == [1.0, 0.0, 0.0]
    assert len(seen) == len(set(seen)) == 3


def test_texts_that_the_embedder_cuts_are_counted() -> None:
    def is_cut(texts: Sequence[str]) -> list[bool]:
        return [len(text) > 3 for text in texts]

    said = cut_texts(is_cut, ["短", "太长的话"], [["短"], ["太长的话", "短"]])
    assert said is not None
    assert "1 of 2 answers and 1 of 3 references" in told(said)
    assert cut_texts(is_cut, ["短"], [["短"]]) is None
