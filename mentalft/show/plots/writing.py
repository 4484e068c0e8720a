"""``plots/``: each figure as PNG and SVG."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from mentalft.files import write_text, written_whole
from mentalft.runs.loading import FinishedRun
from mentalft.show.plots.drawing import NAMES, draw
from mentalft.show.plots.labels import drawable_labels_of
from mentalft.show.plots.style import style
from mentalft.words import Language

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 200
KEY = "topics.txt"
METADATA = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}
"""Nothing that changes from day to day: equal data give equal bytes."""


def write_plots(run: FinishedRun, folder: Path, language: Language = "en") -> list[Path]:
    """Write every figure that ``run`` has the data for; return the paths.

    Text becomes outlines in the SVG and pixels in the PNG, so that no reader needs a font. Where no font on this
    machine has the characters of a topic, the figure names it T1, T2 …, and ``topics.txt`` says what they are.
    Figures of an earlier writing that this one does not make are removed; other files in ``folder`` are left.
    """
    labels = drawable_labels_of(run, language)
    figures = draw(run, labels)
    written = []
    for name, figure in figures.items():
        for suffix in METADATA:
            path = folder / f"{name}.{suffix}"
            with written_whole(path, binary=True) as handle:
                handle.write(_rendered(figure, suffix))
            written.append(path)
    if labels.numbered:
        key = "".join(f"{number}\t{name}\n" for number, name in labels.numbered.items())
        write_text(folder / KEY, key)
        written.append(folder / KEY)
    ours = {folder / KEY, *(folder / f"{name}.{suffix}" for name in NAMES for suffix in METADATA)}
    for stale in ours - set(written):
        stale.unlink(missing_ok=True)
    return written


def _rendered(figure: Figure, suffix: str) -> bytes:
    buffer = io.BytesIO()
    with style():
        figure.savefig(buffer, format=suffix, dpi=DPI, metadata=METADATA[suffix])
    return buffer.getvalue()
