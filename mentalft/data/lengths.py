"""How long dialogues are, in characters and in the model's tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mentalft.data.prompts import PromptBuilder
from mentalft.records import Dialogue

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
TOKEN_SAMPLE = 1000
"""Dialogues that are tokenised for the report."""


def quantiles(values: Any) -> dict[str, int]:
    """Named quantiles of ``values``, a row of lengths; the highest is the maximum."""
    if not len(values):
        return {}
    return {f"{q:g}": int(v) for q, v in zip(QUANTILES, np.quantile(values, QUANTILES, method="lower"), strict=True)}


def token_lengths(sample: Sequence[Dialogue], builder: PromptBuilder, max_length: int) -> dict[str, Any]:
    """Length quantiles in tokens, with the chat template, and the share that will be cut at ``max_length``."""
    lengths = np.array([len(builder.example(d.messages).input_ids) for d in sample])
    return {
        "sampled_dialogues": len(lengths),
        "quantiles": quantiles(lengths),
        "max_length": max_length,
        "share_longer": round(float((lengths > max_length).mean()), 4) if len(lengths) else 0.0,
    }
