"""The configuration of what a run is shown as. Values live in ``conf/`` alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mentalft.config.fields import PRESENTATION, value


@dataclass
class ReportConfig:
    language: Literal["auto", "zh", "en"] = value(bears_on=PRESENTATION)
    """Of the labels of ``report.html``; ``auto`` is Chinese where most references are."""
    html: bool = value(bears_on=PRESENTATION)
    """Whether ``report.html`` is written, one file that needs no network."""
    plots: bool = value(bears_on=PRESENTATION)
    """Whether ``plots/`` is written, the figures as PNG and SVG."""
