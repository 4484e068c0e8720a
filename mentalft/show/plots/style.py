"""How every figure looks: colours, line widths, sizes for print, and nothing of the user's own matplotlibrc.

Colours are those of Okabe and Ito (Color Universal Design, 2008, https://jfly.uni-koeln.de/color/), which readers with
any common form of colour blindness tell apart; whatever a colour says, a marker, a dash or a label says too.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from mentalft.records import BETTER, DIAGNOSTIC, UNDECIDED, WITHHELD, WORSE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ORANGE, BLUE, GREEN, VERMILLION, PURPLE = "#e69f00", "#0072b2", "#009e73", "#d55e00", "#cc79a7"
INK, MUTED, PAPER = "#000000", "#767676", "#ffffff"
"""Text and axes; what should step back; the ground."""
CONTENDER_COLOURS = (ORANGE, BLUE, GREEN, VERMILLION, PURPLE, MUTED)
"""By a contender's place, the baseline first; with more contenders they begin again."""
CONTENDER_DASHES: tuple[Any, ...] = (
    (0, (4, 1.5)), "-", (0, (1, 1)), (0, (6, 1.5, 1, 1.5)), (0, (3, 1)), (0, (8, 2)), (0, (5, 1, 1, 1, 1, 1)),
)  # fmt: skip
"""As many more, so that no colour meets its own dash again soon."""
VERDICT_COLOUR = {BETTER: BLUE, WORSE: VERMILLION, UNDECIDED: MUTED, WITHHELD: MUTED, DIAGNOSTIC: MUTED}
VERDICT_MARKER = {BETTER: ">", WORSE: "<", UNDECIDED: "o", WITHHELD: "x", DIAGNOSTIC: "."}
"""Filled arrows point to the better side; the open circle (:func:`marker_face`) points nowhere; the others are none."""

COLUMN, PAGE = 3.3, 7.0
"""Widths of a figure in inches: one column of a two-column paper, and both."""
POINTS = 72.0
TEXT, SMALL = 8.0, 7.0
"""Sizes of text in points."""
ROUND = (1, 2, 5, 10)
"""Steps between ticks, by their first figure."""
BUNDLED = "DejaVu Sans"
"""The font that comes with matplotlib: figures come out alike on every machine."""

STYLE: dict[str, Any] = {
    "font.size": TEXT,
    "axes.labelsize": TEXT,
    "axes.titlesize": TEXT,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "legend.handlelength": 1.8,
    "legend.borderaxespad": 0.2,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.formatter.useoffset": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.visible": False,
    "ytick.minor.visible": False,
    "lines.linewidth": 1.1,
    "lines.markersize": 4.0,
    "text.parse_math": False,  # a dollar sign in a title is a dollar sign
    "svg.hashsalt": "mentalft",  # equal data, equal bytes
    "figure.constrained_layout.h_pad": 0.03,
    "figure.constrained_layout.w_pad": 0.03,
}


@contextmanager
def style(fonts: Sequence[str] = (BUNDLED,), **more: Any) -> Iterator[None]:
    """matplotlib's defaults with :data:`STYLE` while the block runs; figures are made and drawn in such a block.

    Args:
        fonts: families to look for a glyph in, first to last.
        more: further settings, with ``__`` for the dot in their names.
    """
    import matplotlib.style

    settings = {**STYLE, "font.family": list(fonts), **{key.replace("__", "."): value for key, value in more.items()}}
    with matplotlib.style.context(["default", settings]):
        yield


@contextmanager
def missing_glyphs_allowed() -> Iterator[None]:
    """For text that is only measured here and drawn by a browser, with fonts of its own."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        yield


def new_figure(
    name: str, width: float, height: float, *, layout: Literal["constrained"] | None = "constrained"
) -> Figure:
    """An empty figure of that size in inches; ``name`` is its label, and what :func:`inline_svg` makes ids from."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout=layout)
    figure.set_label(name)
    return figure


def contender_look(place: int) -> dict[str, Any]:
    """Colour and dash of the line of the contender at ``place``, 0 being the baseline."""
    return {
        "color": CONTENDER_COLOURS[place % len(CONTENDER_COLOURS)],
        "linestyle": CONTENDER_DASHES[place % len(CONTENDER_DASHES)],
    }


def marker_face(verdict: str) -> str:
    return PAPER if verdict == UNDECIDED else VERDICT_COLOUR[verdict]


def plain_ticks(axis: Any) -> None:
    """Label a log axis with plain numbers at a few round places; matplotlib's own labels are formulas."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    axis.set_major_locator(LogLocator(base=10, subs=(1.0,), numticks=6))
    low, high = sorted(axis.get_view_interval())
    if high < 30 * low:  # powers of ten alone would leave one label or none
        axis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0), numticks=6))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())
    axis.set_major_formatter(FuncFormatter(lambda value, _: tick_text(value)))


def tick_text(value: float) -> str:
    """``20000`` → ``20,000``; ``0.005`` and ``1e+12`` stay."""
    return minus(f"{value:,.0f}" if 1000 <= abs(value) < 1e7 else f"{value:g}")


def minus(figures: str) -> str:
    """``figures`` with minus signs for hyphens, as wide as a plus sign."""
    return figures.replace("-", "−")
