"""Where the difference is: topic by topic, for the metrics that matter most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mentalft.records import BETTER, UNDECIDED, WORSE, Group, Interval, MetricComparison
from mentalft.reporting.finished import FinishedRun
from mentalft.reporting.plots.fonts import width_of
from mentalft.reporting.plots.labels import Labels
from mentalft.reporting.plots.style import (
    COLUMN,
    INK,
    MUTED,
    PAGE,
    SMALL,
    VERDICT_COLOUR,
    VERDICT_MARKER,
    marker_face,
    new_figure,
    tick_text,
)
from mentalft.statistics.grouping import OTHER

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIRST = ("bleu", "rougeL", "cosine")
"""Metrics shown where the comparison has them: words, their order, their sense."""
MOST = 15
"""Topics shown by name."""
ROW, HEAD, FOOT = 0.2, 0.12, 0.85
"""Inches: of a topic, above the first, below the last."""
GAP = 0.2
"""Inches between panels."""


def topics(run: FinishedRun, labels: Labels) -> Figure | None:
    """The differences of up to three metrics for each topic, the largest topics first, with intervals.

    The intervals are not corrected for their number: they show where to look.
    """
    shown = _metrics([m for m in run.comparison.metrics if m.by_topic])
    if not shown or len(shown[0].by_topic) < 2:
        return None
    names, more = _topics(shown[0])
    dialogues = {group.name: group.dialogues for group in shown[0].by_topic}
    texts = [labels.word("dialogues", name=labels.topics[n], dialogues=dialogues[n]) for n in names]
    left = 0.15 + max(width_of(text, SMALL) for text in texts)
    width = COLUMN if len(shown) == 1 else PAGE
    height = HEAD + ROW * (len(names) + bool(more)) + FOOT
    figure = new_figure("topics", width, height, layout=None)
    panel = (width - left - GAP * len(shown)) / len(shown)
    for i, m in enumerate(shown):
        box = (left + i * (panel + GAP), FOOT, panel, height - HEAD - FOOT)
        axes = figure.add_axes((box[0] / width, box[1] / height, box[2] / width, box[3] / height))
        _panel(axes, m, names, labels)
        axes.set_ylim(len(names) - 0.5 + bool(more), -0.5)
        axes.set_yticks(range(len(names)), texts if i == 0 else [""] * len(names))
        if more and i == 0:
            axes.text(
                -0.02, len(names), labels.word("more", more=more), transform=axes.get_yaxis_transform(),
                ha="right", va="center", fontsize=SMALL, color=MUTED,
            )  # fmt: skip
    _legend(figure, labels)
    return figure


def _metrics(found: list[MetricComparison]) -> list[MetricComparison]:
    chosen = [m for m in found if m.metric in FIRST]
    return (chosen or found)[: len(FIRST)]


def _topics(m: MetricComparison) -> tuple[list[str], int]:
    """Names to show, those of most dialogues first and what was pooled last; and how many are left out."""
    named = sorted((g for g in m.by_topic if g.name != OTHER), key=lambda g: -g.dialogues)
    pooled = [g.name for g in m.by_topic if g.name == OTHER]
    return [g.name for g in named[:MOST]] + pooled, max(0, len(named) - MOST)


def _panel(axes: Any, m: MetricComparison, names: list[str], labels: Labels) -> None:
    groups = {group.name: group for group in m.by_topic}
    axes.axvline(0, color=INK, linewidth=0.6, zorder=0)
    axes.axvline(m.difference, color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)), zorder=0)
    for y, group in enumerate(groups[name] for name in names if name in groups):
        verdict = _reading(group, higher_is_better=m.higher_is_better)
        colour = VERDICT_COLOUR[verdict]
        if group.interval:
            axes.plot(group.interval, [y, y], color=colour, linewidth=1.1)
        marker, face = (VERDICT_MARKER[verdict], marker_face(verdict)) if group.interval else ("x", colour)
        axes.plot(
            [group.difference], [y], linestyle="none", marker=marker, markersize=4.5, markeredgecolor=colour,
            markerfacecolor=face,
        )  # fmt: skip
    axes.margins(x=0.08)
    if not m.higher_is_better:
        axes.invert_xaxis()
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(lambda value, _: f"{'+' if value > 0 else ''}{tick_text(round(value, 10))}")
    name = labels.metrics[m.metric] + ("" if m.higher_is_better else " ↓")
    axes.set_xlabel(labels.word("topic_difference", metric=name))


def _reading(group: Group, *, higher_is_better: bool) -> str:
    interval = group.interval or Interval(0, 0)
    if interval.low <= 0 <= interval.high:
        return UNDECIDED
    return BETTER if (interval.low > 0) == higher_is_better else WORSE


def _legend(figure: Figure, labels: Labels) -> None:
    from matplotlib.lines import Line2D

    def marker(verdict: str, sign: str, text: str) -> Line2D:
        colour = VERDICT_COLOUR[verdict]
        face = marker_face(verdict)
        return Line2D(
            [], [], linestyle="none", marker=sign, markersize=4.5, markeredgecolor=colour, markerfacecolor=face,
            label=text,
        )  # fmt: skip

    handles = [
        marker(BETTER, VERDICT_MARKER[BETTER], labels.word(BETTER)),
        marker(WORSE, VERDICT_MARKER[WORSE], labels.word(WORSE)),
        marker(UNDECIDED, VERDICT_MARKER[UNDECIDED], labels.word("includes")),
        marker(UNDECIDED, "x", labels.word("no_interval")),
        Line2D([], [], color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)), label=labels.word("overall")),
    ]
    figure.legend(
        handles=handles, loc="lower right", ncols=len(handles), handletextpad=0.3, columnspacing=1.0, borderaxespad=0.4
    )
