"""How long dialogues are in the model's tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mentalft.data.prompts import PromptBuilder
from mentalft.records import Dialogue, TokenLengths
from mentalft.statistics import quantiles

TOKEN_SAMPLE = 500
"""Dialogues that are tokenised for the report, evenly spread over the corpus."""


def token_lengths(sample: Sequence[Dialogue], builder: PromptBuilder, max_length: int) -> TokenLengths:
    """Length quantiles in tokens, with the chat template, and the share that will be cut at ``max_length``."""
    lengths = np.array(builder.lengths([d.messages for d in sample]))
    return TokenLengths(
        model=builder.name,
        sampled_dialogues=len(lengths),
        quantiles=quantiles(lengths),
        max_length=max_length,
        share_longer=round(float((lengths > max_length).mean()), 4) if len(lengths) else 0.0,
    )
