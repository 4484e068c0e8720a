"""How every figure looks: colours, line widths, sizes for print, and nothing of the user's own matplotlibrc.

Colours are those of Okabe and Ito (Color Universal Design, 2008, https://jfly.uni-koeln.de/color/), which readers with
any common form of colour blindness tell apart; whatever a colour says, a marker, a dash or a label says too.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

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
"""Filled arrows point to the better side; the open circle (:func:`verdict_point`) points nowhere."""

COLUMN, PAGE = 3.3, 7.0
"""Widths of a figure in inches: one column of a two-column paper, and both."""
POINTS = 72.0
TEXT, SMALL = 8.0, 7.0
"""Sizes of text in points."""
ROUND = (1, 2, 5, 10)
"""Steps between ticks, by their first figure."""
BUNDLED = "DejaVu Sans"
"""The font that comes with matplotlib: figures come out alike on every machine."""


class Box(NamedTuple):
    """Where axes are in a figure, in inches."""

    left: float
    bottom: float
    width: float
    height: float

    def within(self, width: float, height: float) -> tuple[float, float, float, float]:
        """The same as shares of a figure of that size."""
        return self.left / width, self.bottom / height, self.width / width, self.height / height


@contextmanager
def style(fonts: Sequence[str] = (BUNDLED,), **more: Any) -> Iterator[None]:
    """matplotlib's defaults with ``templates/figures.mplstyle`` while the block runs, in which figures are made.

    Args:
        fonts: families to look for a glyph in, first to last.
        more: further settings, with ``__`` for the dot in their names.
    """
    import matplotlib.style

    settings = {"font.family": list(fonts), **{key.replace("__", "."): value for key, value in more.items()}}
    sheet = resources.files("mentalft.show") / "templates" / "figures.mplstyle"
    with resources.as_file(sheet) as path, matplotlib.style.context(["default", path, settings]):
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


def verdict_point(verdict: str, marker: str | None = None, size: float = 4.5) -> dict[str, Any]:
    """How a difference is drawn, on an axis and in a legend; ``marker`` takes the place of the verdict's own."""
    colour = VERDICT_COLOUR[verdict]
    return {
        "linestyle": "none", "marker": marker or VERDICT_MARKER[verdict], "markersize": size,
        "markeredgecolor": colour, "markerfacecolor": PAPER if verdict == UNDECIDED else colour,
    }  # fmt: skip


def legend_entry(label: str, **look: Any) -> Any:
    """A handle for a legend."""
    from matplotlib.lines import Line2D

    return Line2D([], [], label=label, **look)


def without_left_edge(axes: Any) -> None:
    """For axes whose rows are named."""
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def faint_lines(axes: Any) -> None:
    """Across, behind what is drawn."""
    axes.grid(visible=True, axis="y", color=INK, alpha=0.1, linewidth=0.5)
    axes.set_axisbelow(True)


def few_ticks(axis: Any, number: int, *, integer: bool = False) -> None:
    """Plain numbers at no more than ``number`` round places."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(number, steps=ROUND, integer=integer))
    axis.set_major_formatter(lambda value, _: tick_text(value))


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
