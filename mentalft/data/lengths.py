"""How long dialogues are in the model's tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mentalft.config import Config
from mentalft.config.schema import EMBEDDED
from mentalft.data.batches import encode
from mentalft.data.prompts import PromptBuilder
from mentalft.records import Dialogue, TokenLengths
from mentalft.statistics import quantiles

TOKEN_SAMPLE = 500
"""Training dialogues that are tokenised for the report, evenly spread over the split; a smaller one is all of it."""


def token_lengths(sample: Sequence[Dialogue], builder: PromptBuilder, cfg: Config) -> TokenLengths:
    """Length quantiles in tokens, with the chat template, and what training will leave out of the ``sample``."""
    too_long = "drop" if cfg.data.too_long == "error" else cfg.data.too_long
    encoded = encode(sample, builder, cfg.data.max_length, too_long, cfg.data.least_history)
    return TokenLengths(
        model=builder.name,
        embedded=cfg.model.name_or_path == EMBEDDED,
        quantiles=quantiles(np.array(encoded.whole)),
        max_length=cfg.data.max_length,
        shortened=encoded.shortened,
    )
