"""Pictures of a sweep: parallel coordinates, what matters, quality against cost, and the learning curve."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import exp, log
from statistics import fmean
from typing import TYPE_CHECKING, Any

from mentalft.show.plots.fonts import width_of
from mentalft.show.plots.style import (
    BLUE,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    PAGE,
    PAPER,
    PURPLE,
    SMALL,
    VERMILLION,
    missing_glyphs_allowed,
    new_figure,
    plain_ticks,
    style,
    tick_text,
)
from mentalft.show.sweep.importance import FOREST
from mentalft.show.sweep.result import (
    BEST,
    NEAR,
    TRAIN_FRACTION,
    UNKNOWN,
    WORSE,
    Axis,
    Setting,
    Sweep,
    number,
    shown,
)
from mentalft.words import contender

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LINES: dict[str, dict[str, Any]] = {
    BEST: {"color": VERMILLION, "linewidth": 2.2, "marker": "D", "markersize": 4, "zorder": 4},
    NEAR: {"color": BLUE, "linewidth": 1.3, "zorder": 3},
    UNKNOWN: {"color": BLUE, "linewidth": 0.9, "alpha": 0.6, "zorder": 3},
    WORSE: {"color": MUTED, "linewidth": 0.7, "alpha": 0.7, "linestyle": (0, (3, 1.5)), "zorder": 2},
}
"""How settings are drawn: the chosen one, those near it, and the rest; by shape and by colour."""
_NEAR: dict[str, Any] = {"color": BLUE, "marker": "o", "markersize": 4.5, "linestyle": "none", "zorder": 3}
POINTS: dict[str, dict[str, Any]] = {
    BEST: {**_NEAR, "color": VERMILLION, "marker": "D", "markersize": 6, "zorder": 4},
    NEAR: _NEAR,
    UNKNOWN: _NEAR,
    WORSE: {**_NEAR, "color": MUTED, "markersize": 4, "markerfacecolor": PAPER, "zorder": 2},
}
CURVES = ((BLUE, "o"), (VERMILLION, "s"), (GREEN, "^"), (ORANGE, "D"), (PURPLE, "v"))
CURVE_METRICS = ("rougeL", "rouge1", "bleu")
"""The metric shown beside the objective: the first of these that was measured, else the first of the table."""
LONGEST_TICK = 18
"""Characters beside an axis."""
FAINT = {"linestyle": "-", "linewidth": 0.5, "alpha": 0.35}
CROWDED = 40
"""More lines than that are drawn faint."""
GAP = 0.03
"""Between an axis and its values."""
MOST_AXES = 10
MOST_TICKS = 6
HEIGHT = 2.6
"""Inches."""


def figures_of(sweep: Sweep, draw: Callable[[str, Figure], str]) -> dict[str, str]:
    """Those that the sweep has the data for, each as ``draw`` makes it of name and figure."""
    drawn = {}
    with style(), missing_glyphs_allowed():
        for name, figure_of in DRAWN.items():
            if (figure := figure_of(sweep)) is not None:
                drawn[name] = draw(name, figure)
    return drawn


def learning_curve(sweep: Sweep) -> Figure | None:
    """Objective, and one test score with its interval, against the number of training dialogues.

    None where ``data.train_fraction`` is no axis. A line for each combination of the other axes.
    """
    if not any(axis.key == TRAIN_FRACTION and axis.numeric for axis in sweep.axes):
        return None
    counted = all(s.trials[0].train_dialogues for s in sweep.settings)
    curves = _curves(sweep, counted=counted)
    if not any(len(points) > 1 for points in curves.values()) or len(curves) > len(CURVES):
        return None
    names = [name for setting in sweep.settings for name in setting.trials[0].metrics]
    metric = next((name for name in (*CURVE_METRICS, *names) if name in names), None)
    figure = new_figure("learning_curve", PAGE, HEIGHT)
    panels = [figure.add_subplot(1, 2 if metric else 1, place) for place in range(1, 3 if metric else 2)]
    looks: list[dict[str, Any]] = [{"color": colour, "marker": marker, "capsize": 2} for colour, marker in CURVES]
    for (name, points), look in zip(curves.items(), looks, strict=False):
        bars = [setting.sd or 0.0 for _, setting in points]
        objectives = [setting.objective for _, setting in points]
        panels[0].errorbar([x for x, _ in points], objectives, yerr=bars if any(bars) else None, label=name, **look)
    if sweep.base_objective is not None:
        base: dict[str, Any] = {
            "color": INK,
            "linewidth": 0.8,
            "linestyle": (0, (4, 1.5)),
            "label": sweep.told(contender("base")),
        }
        panels[0].axhline(sweep.base_objective, **base)
    panels[0].set_ylabel(_objective_label(sweep))
    if metric:
        _differences(panels[1], curves.values(), looks, metric)
        trial = next(t for s in sweep.settings for t in s.trials if metric in t.metrics)
        assert trial.comparison is not None  # it holds the metric; for the type checker
        compared = {"contender": trial.comparison.others[0], "baseline": trial.comparison.baseline}
        roles = {role: contender(name) for role, name in compared.items()}
        panels[1].set_ylabel(sweep.said("axis.on_test", metric=trial.metrics[metric].title, **roles))
    for panel in panels:
        panel.set_xlabel(sweep.said("axis.dialogues" if counted else "axis.share"))
        panel.xaxis.set_major_formatter(lambda value, _: tick_text(value))
        panel.set_xlim(left=0)
    if len(curves) > 1 or sweep.base_objective is not None:
        panels[0].legend()
    return figure


def _curves(sweep: Sweep, *, counted: bool) -> dict[str, list[tuple[float, Setting]]]:
    """Training dialogues, or their share, and the setting, by the values of the other axes."""
    others = [axis for axis in sweep.varied if axis.key != TRAIN_FRACTION]
    found: dict[str, list[tuple[float, Setting]]] = {}
    for setting in sweep.settings:
        name = ", ".join(f"{axis.label}={shown(setting.values[axis.key])}" for axis in others)
        share = number(setting.values[TRAIN_FRACTION])
        size = setting.trials[0].train_dialogues if counted else share
        if size is not None:
            found.setdefault(name or sweep.told(contender("tuned")), []).append((float(size), setting))
    return {name: sorted(points, key=lambda point: point[0]) for name, points in sorted(found.items())}


def _differences(
    panel: Any, curves: Iterable[list[tuple[float, Setting]]], looks: Sequence[dict[str, Any]], metric: str
) -> None:
    """Of the first contender that is held against the baseline, run by run."""
    panel.axhline(0, color=INK, linewidth=0.8)
    for points, look in zip(curves, looks, strict=False):
        found = [
            (x, trial.metrics[metric].differences[trial.comparison.others[0]])
            for x, setting in points
            for trial in setting.trials
            if trial.comparison and metric in trial.metrics
            if trial.comparison.others[0] in trial.metrics[metric].differences
        ]
        reach = [[d.difference - d.interval.low for _, d in found], [d.interval.high - d.difference for _, d in found]]
        joined = "-" if all(len(setting.trials) == 1 for _, setting in points) else "none"
        panel.errorbar([x for x, _ in found], [d.difference for _, d in found], yerr=reach, linestyle=joined, **look)


def by_value(sweep: Sweep) -> Figure | None:
    """Objective against the one thing that varies."""
    axes = sweep.varied
    if len(sweep.settings) < 2 or len(axes) != 1 or axes[0].key == TRAIN_FRACTION:
        return None
    axis = axes[0]
    figure = new_figure("by_value", PAGE, HEIGHT)
    drawn = figure.add_subplot()
    for setting in sweep.settings:
        value = setting.values[axis.key]
        x = (number(value) or 0.0) if axis.numeric else axis.values.index(value)
        bar = [setting.sd] if setting.sd else None
        drawn.errorbar([x], [setting.objective], yerr=bar, capsize=2, **POINTS[setting.standing])
    if not axis.numeric:
        drawn.set_xticks(range(len(axis.values)), [_shortened(value) for value in axis.values])
    elif axis.logarithmic:
        drawn.set_xscale("log")
        plain_ticks(drawn.xaxis)
    drawn.set_xlabel(axis.label)
    drawn.set_ylabel(_objective_label(sweep))
    drawn.margins(0.08)
    _legend(drawn, sweep, POINTS)
    return figure


def parallel_coordinates(sweep: Sweep) -> Figure | None:
    """One line a setting through its values to its objective, whose axis has the best at the top."""
    axes = sweep.varied[:MOST_AXES]
    if len(sweep.settings) < 2 or len(axes) < 2:
        return None
    figure = new_figure("parallel", PAGE, 2.9)
    drawn = figure.add_subplot()
    best, worst = sweep.settings[0].objective, sweep.settings[-1].objective
    crowded = len(sweep.settings) > CROWDED
    for setting in reversed(sweep.settings):
        last = 0.5 if best == worst else (setting.objective - worst) / (best - worst)
        heights = [*(_place(axis, setting.values[axis.key]) for axis in axes), last]
        look = {**LINES[setting.standing], **(FAINT if crowded and setting.standing in (WORSE, UNKNOWN) else {})}
        drawn.plot(range(len(heights)), heights, clip_on=False, **look)
    for place, axis in enumerate(axes):
        _upright(drawn, place, axis.label, _ticks(axis), unit=(len(axes) + 0.5) / PAGE)
    ends = [(1.0, tick_text(round(best, 4))), *([(0.0, tick_text(round(worst, 4)))] if best != worst else [])]
    _upright(drawn, len(axes), sweep.said("axis.objective"), ends, unit=0.0)
    drawn.set_xlim(-0.25, len(axes) + 0.25)
    drawn.set_ylim(-0.05, 1.12)
    drawn.set_axis_off()
    _legend(drawn, sweep, LINES)
    return figure


def _place(axis: Axis, value: str) -> float:
    """Between 0 and 1, where ``value`` is on the axis."""
    if len(axis.values) < 2:
        return 0.5
    if not axis.numeric:
        return axis.values.index(value) / (len(axis.values) - 1)
    low, here, high = (_scaled(axis, v) for v in (axis.values[0], value, axis.values[-1]))
    return (here - low) / (high - low) if high > low else 0.5


def _scaled(axis: Axis, value: str) -> float:
    found = number(value) or 0.0
    return log(found) if axis.logarithmic else found


def _ticks(axis: Axis) -> list[tuple[float, str]]:
    """Places and names: all of a few values; else some, of numbers at even steps of their scale."""
    if len(axis.values) <= MOST_TICKS:
        return [(_place(axis, value), shown(value)) for value in axis.values]
    steps = [i / (MOST_TICKS - 2) for i in range(MOST_TICKS - 1)]
    if not axis.numeric:
        kept = [axis.values[round(step * (len(axis.values) - 1))] for step in steps]
        return [(_place(axis, value), value) for value in kept]
    low, high = _scaled(axis, axis.values[0]), _scaled(axis, axis.values[-1])
    between = [low + step * (high - low) for step in steps]
    return [(step, f"{exp(x) if axis.logarithmic else x:.2g}") for step, x in zip(steps, between, strict=True)]


def _upright(drawn: Any, place: int, label: str, ticks: Sequence[tuple[float, str]], *, unit: float) -> None:
    """A vertical axis with its name above and its values beside it.

    Args:
        unit: how far along the picture an inch is, for a ground under values to the left, where lines run; 0 puts them
            to the right.
    """
    drawn.plot([place, place], [0, 1], color=INK, linewidth=0.6, zorder=1)
    drawn.text(place, 1.08, label, ha="center", va="bottom")
    side, align = (-GAP, "right") if unit else (GAP, "left")
    for height, text in ticks:
        written = _shortened(text)
        drawn.text(place + side, height, written, ha=align, va="center", fontsize=SMALL, color=INK, zorder=6)
        if unit:
            ends = [place - 2 * GAP - width_of(written, SMALL) * unit, place - GAP / 2]
            drawn.fill_between(ends, height - 0.03, height + 0.03, color=PAPER, alpha=0.85, linewidth=0, zorder=5)


def importance_bars(sweep: Sweep) -> Figure | None:
    """The share of each axis."""
    shares = sweep.importance.shares
    if not shares:
        return None
    labels = {axis.key: axis.label for axis in sweep.axes}
    figure = new_figure("importance", PAGE, 0.55 + 0.24 * len(shares))
    drawn = figure.add_subplot()
    bars = drawn.barh([labels[key] for key in reversed(shares)], [*reversed(shares.values())], color=BLUE, height=0.6)
    drawn.bar_label(bars, fmt="{:.2f}", padding=3, fontsize=SMALL)
    drawn.set_xlim(0, max(1e-9, *shares.values()) * 1.15)
    drawn.set_xlabel(sweep.said("axis.variance" if sweep.importance.how.key == FOREST else "axis.correlation"))
    return figure


def quality_against_cost(sweep: Sweep) -> Figure | None:
    """Objective against training time, and against the adapter's size where that varies; the front is a line."""
    costs_of = {"training_time": _seconds, "adapter": _adapter}
    drawable = {
        name: [(x, setting) for setting in sweep.settings if (x := cost(setting)) is not None]
        for name, cost in costs_of.items()
    }
    drawable = {name: points for name, points in drawable.items() if len({x for x, _ in points}) > 1}
    if not drawable:
        return None
    figure = new_figure("pareto", PAGE, HEIGHT)
    for place, (name, points) in enumerate(drawable.items(), 1):
        drawn = figure.add_subplot(1, len(drawable), place)
        costs, objectives = [x for x, _ in points], [setting.objective for _, setting in points]
        on_front = front(costs, objectives, maximize=sweep.maximize)
        steps = [costs[i] for i in on_front], [objectives[i] for i in on_front]
        drawn.step(*steps, where="post", color=INK, linewidth=0.8)
        for x, setting in points:
            drawn.plot([x], [setting.objective], **POINTS[setting.standing])
        if max(costs) >= 20 * min(costs) > 0:
            drawn.set_xscale("log")
        drawn.set_xlabel(sweep.said(f"axis.{name}"))
        drawn.set_ylabel(sweep.said("axis.objective"))
        drawn.margins(0.08)
    _legend(figure.axes[-1], sweep, POINTS)
    return figure


def front(costs: Sequence[float], objectives: Sequence[float], *, maximize: bool) -> list[int]:
    """Positions of the Pareto front, the cheapest first: nothing is as cheap and better, or as good and cheaper."""
    sign = -1.0 if maximize else 1.0
    best, found = float("inf"), []
    for place in sorted(range(len(costs)), key=lambda i: (costs[i], sign * objectives[i])):
        if sign * objectives[place] < best:
            best = sign * objectives[place]
            found.append(place)
    return found


def _seconds(setting: Setting) -> float | None:
    known = [t.training_seconds if t.training_seconds is not None else t.seconds for t in setting.trials]
    found = [seconds for seconds in known if seconds is not None]
    return fmean(found) if found else None


def _adapter(setting: Setting) -> float | None:
    size = setting.trials[0].adapter_bytes
    return None if size is None else size / 2**20


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_TICK else f"{text[: LONGEST_TICK - 1]}…"


def _objective_label(sweep: Sweep) -> str:
    return sweep.said("axis.objective_seeds" if sweep.by_seeds else "axis.objective")


def _legend(drawn: Any, sweep: Sweep, looks: dict[str, dict[str, Any]]) -> None:
    there = [standing for standing in looks if any(s.standing == standing for s in sweep.settings)]
    handles = [drawn.plot([], [], **looks[standing])[0] for standing in there]
    names = [sweep.said(f"standing.{standing.replace(' ', '_')}") for standing in there]
    drawn.legend(handles, names, loc="upper center", bbox_to_anchor=(0.5, -0.02 if looks is LINES else -0.24), ncols=4)


DRAWN = {
    "learning_curve": learning_curve,
    "by_value": by_value,
    "parallel": parallel_coordinates,
    "importance": importance_bars,
    "pareto": quality_against_cost,
}
"""In the order in which they are read."""
