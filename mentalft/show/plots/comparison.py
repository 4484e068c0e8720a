"""The comparison as a forest plot: one row a metric and contender, all on one axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mentalft.records import Interval
from mentalft.runs.loading import FinishedRun
from mentalft.show.comparison import Compared, rows_of
from mentalft.show.numbers import plain, signed, spread
from mentalft.show.plots.fonts import width_of
from mentalft.show.plots.labels import Labels
from mentalft.show.plots.style import (
    INK,
    MUTED,
    PAGE,
    SMALL,
    TEXT,
    VERDICT_COLOUR,
    VERDICT_MARKER,
    marker_face,
    minus,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROW, HEAD, FOOT = 0.24, 0.3, 0.68
"""Inches: of a metric, above the first, below the last."""
FIGURES = 2.85
"""Inches at the right for the figures in the metrics' own units."""
HEADING = -0.9
"""Where the headings stand, in rows."""
WIDEST = 300.0
"""Percent; an interval that goes on beyond is cut at the edge of the axis, where it has no cap."""


class Scaled(NamedTuple):
    """A difference and its interval in percent, turned so that more is better."""

    difference: float
    low: float
    high: float


def scaled(row: Compared) -> Scaled:
    """In percent of the mean size of the two scores, so that metrics of any unit share one axis.

    The mean of both and not the baseline alone, which may be close to 0: a score that doubles is +67 %, one that halves
    -67 %, and one that rises from 0 is +200 %, the most there is for scores that are never negative. The interval is
    that of the difference, divided by the same number. A metric of which lower is better has its sign turned.
    """
    size = (abs(row.m.scores[row.baseline]) + abs(row.m.scores[row.contender])) / 2
    sign = 100 if row.m.higher_is_better else -100
    difference, *ends = (sign * value / size if size else 0.0 for value in (row.d.difference, *row.d.interval))
    return Scaled(difference, *sorted(ends))


def comparison(run: FinishedRun, labels: Labels) -> Figure | None:
    """Every metric's difference with its interval, verdict by colour and marker, and the figures themselves."""
    compared = rows_of(run.comparison)
    if not compared:
        return None
    names = [_name(row, labels, alone=len(run.comparison.others) == 1) for row in compared]
    height = HEAD + ROW * len(compared) + FOOT
    figure = new_figure("comparison", PAGE, height, layout=None)
    axes = figure.add_axes(
        _box(left=0.15 + max(width_of(name, TEXT) for name in names), right=FIGURES, height=height, width=PAGE)
    )
    rows = [scaled(row) for row in compared]
    edges = _edges(rows)
    for y, (verdict, row) in enumerate(zip((r.d.verdict for r in compared), rows, strict=True)):
        _interval(axes, y, row, VERDICT_COLOUR[verdict], edges)
        axes.plot(
            [row.difference], [y], linestyle="none", marker=VERDICT_MARKER[verdict], markersize=4.5,
            markeredgecolor=VERDICT_COLOUR[verdict], markerfacecolor=marker_face(verdict), zorder=3,
        )  # fmt: skip
    axes.axvline(0, color=INK, linewidth=0.6, zorder=0)
    axes.set_yticks(range(len(compared)), names, fontsize=TEXT)
    axes.set_ylim(len(compared) - 0.5, -0.5)
    axes.set_xlim(edges)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_formatter(lambda value, _: minus(f"{value:+.3g}") if value else "0")
    axes.set_xlabel(labels.word("comparison_axis", confidence=run.comparison.confidence))
    _figures(axes, run, labels)
    _legend(axes, compared, labels)
    return figure


def _name(row: Compared, labels: Labels, *, alone: bool) -> str:
    metric = labels.metrics[row.m.metric] + ("" if row.m.higher_is_better else " ↓")
    return metric if alone else labels.word("of_contender", metric=metric, name=labels.contenders[row.contender])


def _box(*, left: float, right: float, height: float, width: float) -> tuple[float, float, float, float]:
    """Left, bottom, width and height of the axes as shares of the figure, from inches."""
    return left / width, FOOT / height, (width - left - right) / width, (height - HEAD - FOOT) / height


def _edges(rows: list[Scaled]) -> Interval:
    """Ends of the axis: 0, all points, and intervals as far as :data:`WIDEST`."""
    low = min(0.0, *(min(row.difference, max(row.low, -WIDEST)) for row in rows))
    high = max(0.0, *(max(row.difference, min(row.high, WIDEST)) for row in rows))
    low, high = min(low, -0.2 * high), max(high, -0.2 * low)  # room on both sides of 0 for the headings
    margin = 0.05 * (high - low) or 1.0
    return Interval(low - margin, high + margin)


def _interval(axes: Any, y: float, row: Scaled, colour: str, edges: Interval) -> None:
    axes.plot([max(row.low, edges.low), min(row.high, edges.high)], [y, y], color=colour, linewidth=1.1, zorder=2)
    caps = [end for end in (row.low, row.high) if edges.low <= end <= edges.high]
    axes.plot(caps, [y] * len(caps), linestyle="none", marker="|", markersize=5, color=colour, zorder=2)


def _figures(axes: Any, run: FinishedRun, labels: Labels) -> None:
    """Above the rows which side is better, and at their right, in columns, both scores and the difference."""
    inches = axes.get_position().width * PAGE
    others, c = run.comparison.others, run.comparison
    score = labels.contenders[others[0]] if len(others) == 1 else labels.word("show.score")
    difference = labels.word("difference", confidence=c.confidence)
    places = [1 + x / inches for x in (0.55, 1.1, FIGURES - 0.05)]
    how = {"va": "center", "fontsize": SMALL}
    for key, side, x in (("worse_side", "right", -4), ("better_side", "left", 4)):
        axes.annotate(
            labels.word(key), (0, HEADING), (x, 0), textcoords="offset points", ha=side, annotation_clip=False,
            color=MUTED, **how,
        )  # fmt: skip
    how |= {"ha": "right", "transform": axes.get_yaxis_transform()}
    for name, x in zip((labels.contenders[c.baseline], score, difference), places, strict=True):
        axes.text(x, HEADING, name, color=MUTED, **how)
    for y, row in enumerate(rows_of(c)):
        figures = (plain(row.m.scores[row.baseline]), plain(row.m.scores[row.contender]))
        shown = (*figures, minus(f"{signed(row.d.difference)}  ({spread(row.d.interval)})"))
        for text, x in zip(shown, places, strict=True):
            axes.text(x, y, text, **how)


def _legend(axes: Any, compared: list[Compared], labels: Labels) -> None:
    from matplotlib.lines import Line2D

    found = {row.d.verdict for row in compared}
    handles = [
        Line2D(
            [], [], linestyle="none", marker=VERDICT_MARKER[verdict], markersize=5,
            label=labels.word(f"verdict.{verdict}"),
            markeredgecolor=VERDICT_COLOUR[verdict], markerfacecolor=marker_face(verdict),
        )
        for verdict in VERDICT_COLOUR
        if verdict in found
    ]  # fmt: skip
    if not all(row.m.higher_is_better for row in compared):
        handles.append(Line2D([], [], linestyle="none", label=labels.word("turned")))
    axes.figure.legend(
        handles=handles, loc="lower right", ncols=len(handles), handletextpad=0.2, columnspacing=1.2, borderaxespad=0.4
    )
