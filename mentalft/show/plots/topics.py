"""Where the difference is: topic by topic, for the metrics that matter most."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mentalft.records import BETTER, DIAGNOSTIC, OTHER, UNDECIDED, WITHHELD, WORSE, Verdict
from mentalft.runs.loading import FinishedRun
from mentalft.show.comparison import Compared, rows_of
from mentalft.show.plots.fonts import width_of
from mentalft.show.plots.labels import Labels
from mentalft.show.plots.style import (
    COLUMN,
    INK,
    MUTED,
    PAGE,
    ROUND,
    SMALL,
    VERDICT_COLOUR,
    VERDICT_MARKER,
    marker_face,
    new_figure,
    tick_text,
)
from mentalft.show.strips import group_kind

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIRST = ("bleu", "rougeL", "cosine")
"""Metrics shown where the comparison has them: words, their order, their sense."""
MOST = 15
"""Topics shown by name."""
ROW, HEAD, FOOT, LINE = 0.2, 0.08, 0.68, 0.16
"""Inches: of a topic, above the first, below the last, and of each further line of the legend."""
NO_INTERVAL = "x"
OVERALL: dict[str, Any] = {"color": MUTED, "linewidth": 0.8, "linestyle": (0, (3, 2))}
GAP = 0.25
"""Inches between panels."""


def topics(run: FinishedRun, labels: Labels) -> Figure | None:
    """The differences of up to three metrics for each topic, the largest topics first, with intervals.

    With more than two contenders those of one metric, for up to three of them.

    The intervals are not corrected for their number: they show where to look.
    """
    shown = _panels([row for row in rows_of(run.comparison) if row.d.by_topic])
    if not shown or len(shown[0].d.by_topic) < 2:
        return None
    names, more = _topics(shown[0])
    dialogues = {group.name: group.dialogues for group in shown[0].d.by_topic}
    texts = [labels.word("dialogues", name=labels.topics[n], dialogues=dialogues[n]) for n in names]
    left = 0.15 + max(width_of(text, SMALL) for text in texts)
    width = COLUMN if len(shown) == 1 else PAGE
    handles = _legend(shown, names, labels)
    columns = len(handles) if width == PAGE else 2
    foot = FOOT + LINE * (math.ceil(len(handles) / columns) - 1)
    height = HEAD + ROW * (len(names) + bool(more)) + foot
    figure = new_figure("topics", width, height, layout=None)
    panel = (width - left - GAP * len(shown)) / len(shown)
    alone = len(run.comparison.others) == 1
    for i, row in enumerate(shown):
        box = (left + i * (panel + GAP), foot, panel, height - HEAD - foot)
        axes = figure.add_axes((box[0] / width, box[1] / height, box[2] / width, box[3] / height))
        _panel(axes, row, names, labels, alone=alone)
        axes.set_ylim(len(names) - 0.5 + bool(more), -0.5)
        axes.set_yticks(range(len(names)), texts if i == 0 else [""] * len(names))
        if more and i == 0:
            axes.text(
                -0.02, len(names), labels.word("more", more=more), transform=axes.get_yaxis_transform(),
                ha="right", va="center", fontsize=SMALL, color=MUTED,
            )  # fmt: skip
    figure.legend(
        handles=handles, loc="lower right", ncols=columns, handletextpad=0.3, columnspacing=1.0, borderaxespad=0.4
    )
    return figure


def _panels(found: list[Compared]) -> list[Compared]:
    chosen = [row for row in found if row.m.metric in FIRST] or found
    others = [row for row in chosen if row.m is chosen[0].m]
    return (others if len(others) > 1 else chosen)[: len(FIRST)]


def _topics(row: Compared) -> tuple[list[str], int]:
    """Names to show, those of most dialogues first and what was pooled last; and how many are left out."""
    named = sorted((g for g in row.d.by_topic if g.name != OTHER), key=lambda g: -g.dialogues)
    pooled = [g.name for g in row.d.by_topic if g.name == OTHER]
    return [g.name for g in named[:MOST]] + pooled, max(0, len(named) - MOST)


def _panel(axes: Any, row: Compared, names: list[str], labels: Labels, *, alone: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    m, groups = row.m, {group.name: group for group in row.d.by_topic}
    axes.axvline(0, color=INK, linewidth=0.6, zorder=0)
    axes.axvline(row.d.difference, zorder=0, **OVERALL)
    for y, group in ((y, groups[name]) for y, name in enumerate(names) if name in groups):
        verdict = group_kind(m, row.d, group)
        colour = VERDICT_COLOUR[verdict]
        if group.interval:
            axes.plot(group.interval, [y, y], color=colour, linewidth=1.1)
        marker = VERDICT_MARKER[verdict] if group.interval else NO_INTERVAL
        axes.plot(
            [group.difference], [y], linestyle="none", marker=marker, markersize=4.5, markeredgecolor=colour,
            markerfacecolor=marker_face(verdict),
        )  # fmt: skip
    axes.margins(x=0.08)
    if not m.higher_is_better:
        axes.invert_xaxis()
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(3, steps=ROUND))
    axes.xaxis.set_major_formatter(lambda value, _: _signed(value))
    name = labels.metrics[m.metric] + ("" if m.higher_is_better else " ↓")
    name = name if alone else labels.word("of_contender", metric=name, name=labels.contenders[row.contender])
    axes.set_xlabel(labels.word("topic_difference", metric=name))


def _signed(value: float) -> str:
    return ("+" if value > 0 else "") + tick_text(round(value, 10))


def _legend(shown: list[Compared], names: list[str], labels: Labels) -> list[Any]:
    """Handles of the legend, for the markers that are there."""
    from matplotlib.lines import Line2D

    groups = [(group, row) for row in shown for group in row.d.by_topic if group.name in names]
    found = {group_kind(row.m, row.d, group) for group, row in groups if group.interval}
    words: dict[Verdict, str] = {BETTER: "verdict.better", WORSE: "verdict.worse", UNDECIDED: "includes"}
    words |= {kind: f"verdict.{kind}" for kind in (WITHHELD, DIAGNOSTIC)}
    kinds = [(verdict, VERDICT_MARKER[verdict], word) for verdict, word in words.items() if verdict in found]
    if any(group.interval is None for group, _ in groups):
        kinds.append((UNDECIDED, NO_INTERVAL, "no_interval"))
    markers = [
        Line2D(
            [], [], linestyle="none", marker=marker, markersize=4.5, markeredgecolor=VERDICT_COLOUR[verdict],
            markerfacecolor=marker_face(verdict), label=labels.word(word),
        )
        for verdict, marker, word in kinds
    ]  # fmt: skip
    return [*markers, Line2D([], [], label=labels.word("overall"), **OVERALL)]
