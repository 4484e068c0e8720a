"""Perplexity weighs tokens, not answers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mentalft.metrics.perplexity import parts, total
from mentalft.metrics.registry import perplexity_scorer


def test_every_token_weighs_the_same() -> None:
    """One token at ln 2 and nine at ln 8: exp((ln 2 + 9 ln 8) / 10), not the mean of 2 and 8."""
    found = parts([math.log(2), 9 * math.log(8)], [1, 9])
    assert total(found) == pytest.approx([2, 8])
    assert total(found.sum(axis=0)) == pytest.approx(2 ** (28 / 10))


def test_golden_by_torch() -> None:
    import torch

    logits, labels = torch.randn(7, 11, generator=torch.Generator().manual_seed(0)), torch.arange(7)
    expected = torch.nn.functional.cross_entropy(logits, labels).exp().item()
    nll = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
    found = parts([nll[:3].sum().item(), nll[3:].sum().item()], [3, 4])
    assert total(found.sum(axis=0)) == pytest.approx(expected, rel=1e-6)


def test_no_tokens_is_no_nan_and_no_warning() -> None:
    assert total(np.array([[0.0, 0.0], [1e9, 1.0]]))[0] == 0.0
    assert np.isfinite(total(np.array([1e9, 1.0])))


def test_lower_is_better() -> None:
    scorer = perplexity_scorer()
    assert not scorer.higher_is_better
    assert scorer.score([1.0], [1]).shape == (1, 2)  # type: ignore[arg-type]
