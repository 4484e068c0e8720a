"""Pictures of a sweep: parallel coordinates, what matters, quality against cost, and the learning curve."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mentalft.show.plots.style import (
    BLUE,
    INK,
    PAGE,
    SMALL,
    missing_glyphs_allowed,
    new_figure,
    plain_ticks,
    style,
)
from mentalft.show.sweep.axes import TRAIN_FRACTION, number
from mentalft.show.sweep.importance import FOREST
from mentalft.show.sweep.learning import learning_curve
from mentalft.show.sweep.parallel import parallel_coordinates
from mentalft.show.sweep.result import Setting, Sweep
from mentalft.show.sweep.styles import POINTS, legend, objective_label, said, shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = ("learning_curve", "by_value", "parallel", "importance", "pareto")


def figures_of(sweep: Sweep, draw: Callable[[str, Figure], str]) -> dict[str, str]:
    """Those that the sweep has the data for, each as ``draw`` makes it of name and figure."""
    makers = (learning_curve, by_value, parallel_coordinates, importance_bars, quality_against_cost)
    found = {}
    with style(), missing_glyphs_allowed():
        for name, make in zip(NAMES, makers, strict=True):
            figure = make(sweep)
            if figure is not None:
                found[name] = draw(name, figure)
    return found


def by_value(sweep: Sweep) -> Figure | None:
    """Objective against the one thing that varies."""
    axes = sweep.varied
    if len(sweep.settings) < 2 or len(axes) != 1 or axes[0].key == TRAIN_FRACTION:
        return None
    axis = axes[0]
    figure = new_figure("by_value", PAGE, 2.6)
    drawn = figure.add_subplot()
    for setting in sweep.settings:
        value = setting.values[axis.key]
        x = (number(value) or 0.0) if axis.numeric else axis.values.index(value)
        look = {**POINTS[setting.standing], "linestyle": "none"}
        drawn.errorbar([x], [setting.objective], yerr=[setting.sd] if setting.sd else None, capsize=2, **look)
    if not axis.numeric:
        drawn.set_xticks(range(len(axis.values)), [shortened(value) for value in axis.values])
    elif axis.logarithmic:
        drawn.set_xscale("log")
        plain_ticks(drawn.xaxis)
    drawn.set_xlabel(axis.label)
    drawn.set_ylabel(objective_label(sweep))
    drawn.margins(0.08)
    legend(drawn, sweep, POINTS)
    return figure


def importance_bars(sweep: Sweep) -> Figure | None:
    shares = sweep.importance.shares
    if not shares:
        return None
    labels = {axis.key: axis.label for axis in sweep.axes}
    figure = new_figure("importance", PAGE, 0.55 + 0.24 * len(shares))
    drawn = figure.add_subplot()
    names = [labels[key] for key in reversed(shares)]
    bars = drawn.barh(names, list(reversed(shares.values())), color=BLUE, height=0.6)
    drawn.bar_label(bars, fmt="{:.2f}", padding=3, fontsize=SMALL)
    drawn.set_xlim(0, max(1e-9, *shares.values()) * 1.15)
    drawn.set_xlabel(said(sweep, "axis.variance" if sweep.importance.how.key == FOREST else "axis.correlation"))
    return figure


def quality_against_cost(sweep: Sweep) -> Figure | None:
    """Objective against training time, and against the adapter's size where that varies; the front is a line."""
    drawable = {"training_time": _points(sweep, _seconds), "adapter": _points(sweep, _adapter)}
    panels = [(name, points) for name, points in drawable.items() if len({x for x, _ in points}) > 1]
    if not panels:
        return None
    figure = new_figure("pareto", PAGE, 2.6)
    for drawn, (name, points) in zip(_row(figure, len(panels)), panels, strict=True):
        costs, objectives = [x for x, _ in points], [s.objective for _, s in points]
        on_front = front(costs, objectives, maximize=sweep.maximize)
        steps = [(costs[i], objectives[i]) for i in on_front]
        drawn.step([x for x, _ in steps], [y for _, y in steps], where="post", color=INK, linewidth=0.8)
        for x, setting in points:
            drawn.plot([x], [setting.objective], linestyle="none", **POINTS[setting.standing])
        if max(costs) >= 20 * min(costs) > 0:
            drawn.set_xscale("log")
        drawn.set_xlabel(said(sweep, f"axis.{name}"))
        drawn.set_ylabel(said(sweep, "axis.objective"))
        drawn.margins(0.08)
    legend(figure.axes[-1], sweep, POINTS)
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
    return sum(found) / len(found) if found else None


def _adapter(setting: Setting) -> float | None:
    size = setting.trials[0].adapter_bytes
    return None if size is None else size / 2**20


def _points(sweep: Sweep, cost: Callable[[Setting], float | None]) -> list[tuple[float, Setting]]:
    return [(x, setting) for setting in sweep.settings if (x := cost(setting)) is not None]


def _row(figure: Figure, count: int) -> list[Any]:
    return [figure.add_subplot(1, count, place + 1) for place in range(count)]
