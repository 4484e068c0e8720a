"""Pictures of a sweep: parallel coordinates, what matters, quality against cost, and the learning curve."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log
from typing import TYPE_CHECKING, Any

from mentalft.reporting.plots.style import (
    BLUE,
    INK,
    MUTED,
    PAGE,
    PAPER,
    SMALL,
    VERMILLION,
    missing_glyphs_allowed,
    new_figure,
    style,
    tick_text,
)
from mentalft.reporting.sweep.axes import SEED, Axis, number
from mentalft.reporting.sweep.learning import learning_curve
from mentalft.reporting.sweep.pareto import front
from mentalft.reporting.sweep.result import BEST, NEAR, UNKNOWN, WORSE, Setting, Sweep

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLES = {
    "learning_curve": "Learning curve",
    "parallel": "Settings and objective",
    "importance": "What matters",
    "pareto": "Quality against cost",
}
LINES: dict[str, dict[str, Any]] = {
    BEST: {"color": VERMILLION, "linewidth": 2.2, "marker": "D", "markersize": 4, "zorder": 4},
    NEAR: {"color": BLUE, "linewidth": 1.3, "zorder": 3},
    UNKNOWN: {"color": BLUE, "linewidth": 0.9, "alpha": 0.6, "zorder": 3},
    WORSE: {"color": MUTED, "linewidth": 0.7, "alpha": 0.7, "linestyle": (0, (3, 1.5)), "zorder": 2},
}
POINTS: dict[str, dict[str, Any]] = {
    BEST: {"color": VERMILLION, "marker": "D", "markersize": 6, "zorder": 4},
    NEAR: {"color": BLUE, "marker": "o", "markersize": 4.5, "zorder": 3},
    UNKNOWN: {"color": BLUE, "marker": "o", "markersize": 4.5, "zorder": 3},
    WORSE: {"color": MUTED, "marker": "o", "markersize": 4, "markerfacecolor": PAPER, "zorder": 2},
}
MOST_AXES = 10
MOST_TICKS = 6


def figures_of(sweep: Sweep, draw: Callable[[str, Figure], str]) -> dict[str, str]:
    """Those that the sweep has the data for, each as ``draw`` makes it of name and figure."""
    makers = {
        "learning_curve": learning_curve,
        "parallel": parallel_coordinates,
        "importance": importance_bars,
        "pareto": quality_against_cost,
    }
    found = {}
    with style(), missing_glyphs_allowed():
        for name, make in makers.items():
            figure = make(sweep)
            if figure is not None:
                found[name] = draw(name, figure)
    return found


def parallel_coordinates(sweep: Sweep) -> Figure | None:
    """One line a setting through its values to its objective, whose axis has the best at the top."""
    axes = [axis for axis in sweep.axes if axis.key != SEED][:MOST_AXES]
    if len(sweep.settings) < 2 or not axes:
        return None
    figure = new_figure("parallel", PAGE, 2.9)
    drawn = figure.add_subplot()
    objectives = [setting.objective for setting in sweep.settings]
    low, high = min(objectives), max(objectives)
    for setting in reversed(sweep.settings):
        heights = [_place(axis, setting.values[axis.key]) for axis in axes]
        last = 0.5 if high == low else (setting.objective - low) / (high - low)
        heights.append(last if sweep.maximize else 1 - last)
        drawn.plot(range(len(heights)), heights, clip_on=False, **LINES[setting.standing])
    for place, axis in enumerate(axes):
        _upright(drawn, place, axis.label, [(_place(axis, value), value) for value in _ticks(axis.values)])
    ends = [(1.0, tick_text(round(high if sweep.maximize else low, 4)))]
    ends += [(0.0, tick_text(round(low if sweep.maximize else high, 4)))] if high > low else []
    _upright(drawn, len(axes), "objective", ends, right=True)
    drawn.set_xlim(-0.25, len(axes) + 0.25)
    drawn.set_ylim(-0.05, 1.12)
    drawn.set_axis_off()
    _legend(drawn, sweep.settings, LINES)
    return figure


def importance_bars(sweep: Sweep) -> Figure | None:
    shares = sweep.importance.shares
    if not shares:
        return None
    labels = {axis.key: axis.label for axis in sweep.axes}
    figure = new_figure("importance", PAGE * 0.7, 0.5 + 0.26 * len(shares))
    drawn = figure.add_subplot()
    names = [labels[key] for key in reversed(shares)]
    bars = drawn.barh(names, list(reversed(shares.values())), color=BLUE, height=0.6)
    drawn.bar_label(bars, fmt="{:.2f}", padding=3, fontsize=SMALL)
    drawn.set_xlim(0, max(1e-9, *shares.values()) * 1.15)
    drawn.set_xlabel(
        "share of variance" if "fANOVA" in sweep.importance.how.partition(" ")[0] else "|rank correlation|"
    )
    return figure


def quality_against_cost(sweep: Sweep) -> Figure | None:
    """Objective against training time, and against the adapter's size where that varies; the front is a line."""
    drawable = {"training time (s)": _points(sweep, _seconds), "adapter (MiB)": _points(sweep, _adapter)}
    panels = [(title, points) for title, points in drawable.items() if len({x for x, _ in points}) > 1]
    if not panels:
        return None
    figure = new_figure("pareto", PAGE if len(panels) > 1 else PAGE * 0.6, 2.6)
    for drawn, (title, points) in zip(_row(figure, len(panels)), panels, strict=True):
        costs, objectives = [x for x, _ in points], [s.objective for _, s in points]
        on_front = front(costs, objectives, maximize=sweep.maximize)
        steps = [(costs[i], objectives[i]) for i in on_front]
        drawn.step([x for x, _ in steps], [y for _, y in steps], where="post", color=INK, linewidth=0.8, label="front")
        for x, setting in points:
            drawn.plot([x], [setting.objective], linestyle="none", **POINTS[setting.standing])
        if max(costs) >= 20 * min(costs) > 0:
            drawn.set_xscale("log")
        drawn.set_xlabel(title)
        drawn.set_ylabel("objective")
        drawn.margins(0.08)
    _legend(figure.axes[-1], sweep.settings, POINTS)
    return figure


def _seconds(setting: Setting) -> float | None:
    known = [t.training_seconds if t.training_seconds is not None else t.seconds for t in setting.trials]
    found = [seconds for seconds in known if seconds is not None]
    return sum(found) / len(found) if found else None


def _adapter(setting: Setting) -> float | None:
    size = setting.trials[0].adapter_bytes
    return None if size is None else size / 2**20


def _points(sweep: Sweep, cost: Callable[[Setting], float | None]) -> list[tuple[float, Setting]]:
    return [(x, setting) for setting in sweep.settings if (x := cost(setting)) is not None]


def _row(figure: Figure, count: int) -> list[Any]:
    return [figure.add_subplot(1, count, place + 1) for place in range(count)]


def _place(axis: Axis, value: str) -> float:
    """Between 0 and 1, where ``value`` is on the axis."""
    if len(axis.values) < 2:
        return 0.5
    if not axis.numeric:
        return axis.values.index(value) / (len(axis.values) - 1)
    low, here, high = (_scaled(axis, v) for v in (axis.values[0], value, axis.values[-1]))
    return (here - low) / (high - low)


def _scaled(axis: Axis, value: str) -> float:
    found = number(value) or 0.0
    return log(found) if axis.logarithmic else found


def _ticks(values: Sequence[str]) -> list[str]:
    """All of a few values, else some of them from the first to the last."""
    if len(values) <= MOST_TICKS:
        return list(values)
    step = (len(values) - 1) / (MOST_TICKS - 1)
    return [values[round(i * step)] for i in range(MOST_TICKS)]


def _upright(drawn: Any, place: int, label: str, ticks: Sequence[tuple[float, str]], *, right: bool = False) -> None:
    """A vertical axis with its name above and its values beside it."""
    drawn.plot([place, place], [0, 1], color=INK, linewidth=0.6, zorder=1)
    drawn.text(place, 1.08, label, ha="center", va="bottom")
    for height, text in ticks:
        shown = text if len(text) <= 18 else f"{text[:17]}…"
        side, align = (0.03, "left") if right else (-0.03, "right")
        drawn.text(place + side, height, shown, ha=align, va="center", fontsize=SMALL, color=INK, zorder=5)


def _legend(drawn: Any, settings: Sequence[Setting], looks: dict[str, dict[str, Any]]) -> None:
    there = [standing for standing in looks if any(s.standing == standing for s in settings)]
    handles = [drawn.plot([], [], **{"linestyle": "none" if looks is POINTS else "-", **looks[s]})[0] for s in there]
    drawn.legend(handles, there, loc="upper center", bbox_to_anchor=(0.5, -0.02 if looks is LINES else -0.24), ncols=4)
