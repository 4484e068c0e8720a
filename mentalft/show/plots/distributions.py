"""How scores and lengths are spread over the items."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mentalft.runs.loading import FinishedRun
from mentalft.show.plots.labels import Labels
from mentalft.show.plots.style import (
    COLUMN,
    INK,
    MUTED,
    PAGE,
    SMALL,
    TEXT,
    contender_look,
    faint_lines,
    few_ticks,
    new_figure,
    plain_ticks,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ACROSS = 4
"""Panels in a row."""
PANEL = 1.3
"""Height of one in inches."""
POINTS_DRAWN = 200
"""Of a distribution; more would show no more, and 5,000 items would make a page heavy."""
BINS = 40
STRIP = 0.62
"""Height in inches of one histogram of lengths."""
WIDE = 30.0
"""Scores or lengths whose largest is so many times their first quartile are drawn on a log axis."""
Numbers = NDArray[np.float64]


def scores(run: FinishedRun, labels: Labels) -> Figure | None:
    """For each metric the empirical distribution function of each contender: at x, the share of items at most x."""
    found = {
        m.metric: {
            name: _sorted([item.scores[name][m.metric] for item in run.items])
            for name in labels.contenders
            if m.metric in run.items[0].scores[name]
        }
        for m in run.comparison.metrics
        if run.items and m.metric in run.items[0].scores[run.comparison.baseline]
    }
    if not found:
        return None
    across = min(ACROSS, len(found))
    down = math.ceil(len(found) / across)
    width = COLUMN if across == 1 else PAGE * max(0.6, across / ACROSS)
    figure = new_figure("scores", width, PANEL * down + 0.6)
    panels = list(figure.subplots(down, across, squeeze=False, sharey=True).flat)
    for axes, m in zip(panels, (m for m in run.comparison.metrics if m.metric in found), strict=False):
        _distribution(axes, found[m.metric], labels)
        axes.set_title(labels.metrics[m.metric] + ("" if m.higher_is_better else " ↓"))
    for axes in panels[len(found) :]:
        axes.set_visible(False)
    figure.supylabel(labels.word("at_most"), fontsize=TEXT)
    handles, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper right", ncols=len(names))
    return figure


def _distribution(axes: Any, sides: dict[str, Numbers], labels: Labels) -> None:
    together = np.concatenate(list(sides.values()))
    if _is_wide(together) and together.min() > 0:
        axes.set_xscale("log")
        low, high = together.min() / 1.1, together.max() * 1.1
    else:
        margin = 0.04 * (together.max() - together.min()) or 0.5
        low, high = together.min() - margin, together.max() + margin
    for side, values in sides.items():
        place = list(labels.contenders).index(side)
        at = np.unique(np.linspace(0, len(values) - 1, POINTS_DRAWN).round().astype(int))
        axes.plot(
            [low, *values[at], high], [0, *(at + 1) / len(values), 1], drawstyle="steps-post",
            label=labels.contenders[side], **contender_look(place),
            zorder=2 if place else 3,  # dashes on a line, where the two are one
        )  # fmt: skip
    axes.set_xlim(low, high)
    axes.set_ylim(0, 1)
    axes.set_yticks([0, 0.5, 1], ["0", "½", "1"])
    _x_ticks(axes, 4)
    if together.min() == together.max():
        axes.set_xticks([together[0]])
    faint_lines(axes)


def lengths(run: FinishedRun, labels: Labels) -> Figure | None:
    """Histograms of the characters of references and answers, one below the other on one axis, with their medians."""
    reference = _sorted([len(text) for item in run.items for text in item.references])
    strips_of = [(labels.word("reference"), MUTED, reference)]
    for place, (name, shown) in enumerate(labels.contenders.items()):
        values = _sorted([len(item.answers[name]) for item in run.items])
        strips_of.append((shown, contender_look(place)["color"], values))
    found = [strip for strip in strips_of if len(strip[2])]
    if not found:
        return None
    together = np.concatenate([values for _, _, values in found])
    log = _is_wide(together[together > 0])
    edges = _edges(together, log=log)
    figure = new_figure("lengths", COLUMN, STRIP * len(found) + 0.55)
    strips = figure.subplots(len(found), 1, squeeze=False, sharex=True)[:, 0]
    if log:
        strips[-1].set_xscale("log")
    strips[-1].set_xlim(edges[0], edges[-1])
    for axes, strip in zip(strips, found, strict=True):
        _histogram(axes, *strip, edges, labels)
    _x_ticks(strips[-1], 6)
    strips[-1].set_xlabel(labels.word("characters"))
    figure.supylabel(labels.word("count"), fontsize=TEXT)
    return figure


def _histogram(axes: Any, name: str, colour: str, values: Numbers, edges: Numbers, labels: Labels) -> None:
    log = axes.get_xscale() == "log"
    counts, _ = np.histogram(values[values > 0] if log else values, edges)
    axes.stairs(counts, edges, fill=True, color=colour, alpha=0.35, linewidth=0)
    axes.stairs(counts, edges, color=colour, linewidth=0.8)
    median, empty = float(np.median(values)), int((values == 0).sum())
    if not log or median > 0:
        axes.axvline(median, color=INK, linewidth=0.8, linestyle=(0, (2, 1.5)))
    said = [labels.word("median", median=median), *([labels.word("empty", empty=empty)] if empty else [])]
    middle, at = axes.transAxes.transform((0.5, 0)), axes.transData.transform((max(median, edges[0]), 0))
    at_right = at[0] < middle[0]
    axes.text(
        1 if at_right else 0.02, 0.98, labels.word("of_side", name=name, said=said),
        ha="right" if at_right else "left", va="top", fontsize=SMALL, transform=axes.transAxes,
    )  # fmt: skip
    axes.set_ylim(0, max(1, counts.max()) * 1.45)
    few_ticks(axes.yaxis, 2, integer=True)


def _edges(values: Numbers, *, log: bool) -> Numbers:
    """Edges of the bins that all histograms share; whole characters, so that no bin is empty by rounding."""
    top = values.max() + 1
    if log:
        return np.unique(np.geomspace(1, top, BINS + 1).round())
    return np.arange(0, top + (step := max(1.0, math.ceil(top / BINS))), step)


def _sorted(values: list[float]) -> Numbers:
    return np.sort(np.asarray(values, dtype=np.float64))


def _is_wide(values: Numbers) -> bool:
    return bool(len(values) and values.max() > 100 and values.max() > WIDE * np.quantile(values, 0.25))


def _x_ticks(axes: Any, number: int) -> None:
    if axes.get_xscale() == "log":
        plain_ticks(axes.xaxis)
    else:
        few_ticks(axes.xaxis, number)
