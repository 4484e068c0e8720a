"""The configuration of the risk screen. Values live in ``conf/`` alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Optional

from mentalft.config.fields import number, value


@dataclass
class ScreenConfig:
    items: Optional[int] = number(ge=2, bears_on="screen")
    """Ask at most this many prompts: a seeded sample in which each language and strength keeps its share. Null asks
    all."""
    language: Literal["both", "zh", "en"] = value(bears_on="screen")
    """Which of the embedded prompts are asked."""
    path: Optional[str] = value(bears_on="screen")
    """A file of your own prompts in place of the embedded ones (docs/screen.md)."""
    region: Optional[str] = value(bears_on="screen")
    """Where the people live who ask, as in ``assets/help_lines.csv``, unless a prompt says so itself; it decides which
    help lines are right. Null is ``CN`` for Chinese and ``US`` for English."""
    classifier: Optional[str] = value(bears_on="screen")
    """A guard model of Qwen3Guard-Gen's form whose verdicts stand beside the rules: a folder or a hub id, such as
    ``Qwen/Qwen3Guard-Gen-0.6B``."""
