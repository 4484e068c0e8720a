"""The configuration of the forgetting stage. Values live in ``conf/`` alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from mentalft.config.fields import number, value


@dataclass
class ForgettingConfig:
    path: Optional[str] = value(bears_on="forgetting")
    """Choice questions to ask besides the embedded probe: a file or folder in the form of C-Eval, CMMLU or MMLU."""
    items: Optional[int] = number(ge=10, bears_on="forgetting")
    """Ask at most so many of each part of the probe, a sample; null asks all."""
    max_new_tokens: int = number(ge=16, bears_on="forgetting")
    """Longest answer, in tokens, where the probe has answers written; one that is cut there is wrong."""
    scales: list[float] = value(bears_on="forgetting")
    """Strengths of the adapter at which its gain is held against what it cost, from 0 (the base) to 1 (as trained)."""
    validation_dialogues: int = number(ge=2, bears_on="forgetting")
    """Validation dialogues, a sample, that the gain is measured on."""
    max_kl: Optional[float] = number(gt=0, bears_on="forgetting")
    """Nats a token that a contender may lie from the base on general prompts; more is a caution; null is never."""
