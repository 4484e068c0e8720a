"""The comparison as a forest plot: one row a metric, all on one axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mentalft.records import BETTER, UNDECIDED, WORSE, Interval, MetricComparison
from mentalft.runs.loading import FinishedRun
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


def scaled(m: MetricComparison) -> Scaled:
    """In percent of the mean size of the two scores, so that metrics of any unit share one axis.

    The mean of both and not the base alone, which may be close to 0: a score that doubles is +67 %, one that halves
    -67 %, and one that rises from 0 is +200 %, the most there is for scores that are never negative. The interval is
    that of the difference, divided by the same number. A metric of which lower is better has its sign turned.
    """
    size = (abs(m.base) + abs(m.tuned)) / 2
    sign = 100 if m.higher_is_better else -100
    difference, *ends = (sign * value / size if size else 0.0 for value in (m.difference, *m.interval))
    return Scaled(difference, *sorted(ends))


def comparison(run: FinishedRun, labels: Labels) -> Figure | None:
    """Every metric's difference with its interval, verdict by colour and marker, and the figures themselves."""
    metrics = run.comparison.metrics
    if not metrics:
        return None
    names = [labels.metrics[m.metric] + ("" if m.higher_is_better else " ↓") for m in metrics]
    height = HEAD + ROW * len(metrics) + FOOT
    figure = new_figure("comparison", PAGE, height, layout=None)
    axes = figure.add_axes(
        _box(left=0.15 + max(width_of(name, TEXT) for name in names), right=FIGURES, height=height, width=PAGE)
    )
    rows = [scaled(m) for m in metrics]
    edges = _edges(rows)
    for y, (m, row) in enumerate(zip(metrics, rows, strict=True)):
        _interval(axes, y, row, VERDICT_COLOUR[m.verdict], edges)
        axes.plot(
            [row.difference], [y], linestyle="none", marker=VERDICT_MARKER[m.verdict], markersize=4.5,
            markeredgecolor=VERDICT_COLOUR[m.verdict], markerfacecolor=marker_face(m.verdict), zorder=3,
        )  # fmt: skip
    axes.axvline(0, color=INK, linewidth=0.6, zorder=0)
    axes.set_yticks(range(len(metrics)), names, fontsize=TEXT)
    axes.set_ylim(len(metrics) - 0.5, -0.5)
    axes.set_xlim(edges)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_formatter(lambda value, _: minus(f"{value:+.3g}") if value else "0")
    axes.set_xlabel(labels.word("comparison_axis", confidence=run.comparison.confidence))
    _figures(axes, run, labels)
    _legend(axes, metrics, labels)
    return figure


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
    """Above the rows which side is which, and at their right, in columns, base, tuned and the difference."""
    inches = axes.get_position().width * PAGE
    columns = {"base": 0.55, "tuned": 1.1, "difference": FIGURES - 0.05}
    places = {name: 1 + x / inches for name, x in columns.items()}
    how = {"va": "center", "fontsize": SMALL}
    for key, side, x in (("tuned_worse", "right", -4), ("tuned_better", "left", 4)):
        axes.annotate(
            labels.word(key), (0, HEADING), (x, 0), textcoords="offset points", ha=side, annotation_clip=False,
            color=MUTED, **how,
        )  # fmt: skip
    how |= {"ha": "right", "transform": axes.get_yaxis_transform()}
    for name, x in places.items():
        axes.text(x, HEADING, labels.word(name, confidence=run.comparison.confidence), color=MUTED, **how)
    for y, m in enumerate(run.comparison.metrics):
        axes.text(places["base"], y, plain(m.base), **how)
        axes.text(places["tuned"], y, plain(m.tuned), **how)
        axes.text(places["difference"], y, minus(f"{signed(m.difference)}  ({spread(m.interval)})"), **how)


def _legend(axes: Any, metrics: tuple[MetricComparison, ...], labels: Labels) -> None:
    from matplotlib.lines import Line2D

    found = {m.verdict for m in metrics}
    handles = [
        Line2D(
            [], [], linestyle="none", marker=VERDICT_MARKER[verdict], markersize=5, label=labels.word(verdict),
            markeredgecolor=VERDICT_COLOUR[verdict], markerfacecolor=marker_face(verdict),
        )
        for verdict in (BETTER, WORSE, UNDECIDED)
        if verdict in found
    ]  # fmt: skip
    if not all(m.higher_is_better for m in metrics):
        handles.append(Line2D([], [], linestyle="none", label=labels.word("turned")))
    axes.figure.legend(
        handles=handles, loc="lower right", ncols=len(handles), handletextpad=0.2, columnspacing=1.2, borderaxespad=0.4
    )
