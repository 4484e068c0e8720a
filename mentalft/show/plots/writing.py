"""The figures of a run: which there are, in the order in which they are read, and ``plots/``, each as PNG and SVG."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mentalft.files import write_text, written_whole
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
DPI = 200
KEY = "topics.txt"
METADATA = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}
"""Nothing that changes from day to day: equal data give equal bytes."""


def figures_of(run: FinishedRun, language: Language = "en") -> dict[str, Figure]:
    """The figures that ``run`` has the data for, by name, with topics and metrics called what they are called.

    They are meant for :func:`inline_svg`, whose text the reader's browser draws; :func:`write_plots` makes files that
    need no font.
    """
    with missing_glyphs_allowed():
        return _drawn(run, labels_of(run, language))


def _drawn(run: FinishedRun, labels: Labels) -> dict[str, Figure]:
    with style(labels.fonts):
        return {name: figure for name, draw in DRAWN.items() if (figure := draw(run, labels)) is not None}


def write_plots(run: FinishedRun, folder: Path, language: Language = "en") -> list[Path]:
    """Write every figure that ``run`` has the data for; return the paths.

    Text becomes outlines in the SVG and pixels in the PNG, so that no reader needs a font. Where no font on this
    machine has the characters of a topic, the figure names it T1, T2 …, and ``topics.txt`` says what they are.
    Figures of an earlier writing that this one does not make are removed; other files in ``folder`` are left.
    """
    labels = labels_of(run, language, for_files=True)
    written = []
    for name, figure in _drawn(run, labels).items():
        for suffix, metadata in METADATA.items():
            path = folder / f"{name}.{suffix}"
            with written_whole(path, binary=True) as handle, style():
                figure.savefig(handle, format=suffix, dpi=DPI, metadata=metadata)
            written.append(path)
    if labels.numbered:
        key = "".join(f"{number}\t{name}\n" for number, name in labels.numbered.items())
        write_text(folder / KEY, key)
        written.append(folder / KEY)
    ours = {folder / KEY, *(folder / f"{name}.{suffix}" for name in NAMES for suffix in METADATA)}
    for stale in ours - set(written):
        stale.unlink(missing_ok=True)
    return written
