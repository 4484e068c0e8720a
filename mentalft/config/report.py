"""The configuration of what a run is shown as. Values live in ``conf/`` alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from omegaconf import MISSING


@dataclass
class ReportConfig:
    language: Literal["auto", "zh", "en"] = MISSING
    """Of the labels of ``report.html``; ``auto`` is Chinese where most references are."""
    html: bool = MISSING
    """Whether ``report.html`` is written, one file that needs no network."""
    plots: bool = MISSING
    """Whether ``plots/`` is written, the figures as PNG and SVG."""
