"""Which figures there are, in the order in which they are read."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from mentalft.runs.loading import FinishedRun
from mentalft.show.plots.comparison import comparison
from mentalft.show.plots.distributions import lengths, scores
from mentalft.show.plots.labels import Labels, labels_of
from mentalft.show.plots.style import missing_glyphs_allowed, style
from mentalft.show.plots.topics import topics
from mentalft.show.plots.training import CURVES, curve, loss
from mentalft.words import Language

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DRAWN: dict[str, Callable[[FinishedRun, Labels], "Figure | None"]] = {
    "comparison": comparison,
    "scores": scores,
    "topics": topics,
    "lengths": lengths,
    "loss": loss,
    **{name: partial(curve, name) for name in CURVES},
}
NAMES = tuple(DRAWN)


def figures_of(run: FinishedRun, language: Language = "en") -> dict[str, Figure]:
    """The figures that ``run`` has the data for, by name, with topics and metrics called what they are called.

    They are meant for :func:`inline_svg`, whose text the reader's browser draws; :func:`write_plots` makes files that
    need no font.
    """
    with missing_glyphs_allowed():
        return draw(run, labels_of(run, language))


def draw(run: FinishedRun, labels: Labels) -> dict[str, Figure]:
    """The figures, with the names that ``labels`` has."""
    with style(labels.fonts):
        drawn = {name: figure_of(run, labels) for name, figure_of in DRAWN.items()}
    return {name: figure for name, figure in drawn.items() if figure is not None}
