"""Parallel coordinates: every setting as a line through its values to its objective."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log
from typing import TYPE_CHECKING, Any

from mentalft.show.plots.fonts import width_of
from mentalft.show.plots.style import INK, PAGE, PAPER, SMALL, new_figure, tick_text
from mentalft.show.sweep.axes import Axis, number, shown
from mentalft.show.sweep.result import UNKNOWN, WORSE, Sweep
from mentalft.show.sweep.styles import LINES, legend, said, shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FAINT = {"linestyle": "-", "linewidth": 0.5, "alpha": 0.35}
CROWDED = 40
"""More lines than that are drawn faint."""
GAP = 0.03
"""Between an axis and its values."""
MOST_AXES = 10
MOST_TICKS = 6


def parallel_coordinates(sweep: Sweep) -> Figure | None:
    """One line a setting through its values to its objective, whose axis has the best at the top."""
    axes = sweep.varied[:MOST_AXES]
    if len(sweep.settings) < 2 or len(axes) < 2:
        return None
    figure = new_figure("parallel", PAGE, 2.9)
    drawn = figure.add_subplot()
    objectives = [setting.objective for setting in sweep.settings]
    low, high = min(objectives), max(objectives)
    crowded = len(sweep.settings) > CROWDED
    for setting in reversed(sweep.settings):
        heights = [_place(axis, setting.values[axis.key]) for axis in axes]
        last = 0.5 if high == low else (setting.objective - low) / (high - low)
        heights.append(last if sweep.maximize else 1 - last)
        look = {**LINES[setting.standing], **(FAINT if crowded and setting.standing in (WORSE, UNKNOWN) else {})}
        drawn.plot(range(len(heights)), heights, clip_on=False, **look)
    for place, axis in enumerate(axes):
        _upright(drawn, place, axis.label, _ticks(axis), unit=(len(axes) + 0.5) / PAGE)
    ends = [(1.0, tick_text(round(high if sweep.maximize else low, 4)))]
    ends += [(0.0, tick_text(round(low if sweep.maximize else high, 4)))] if high > low else []
    _upright(drawn, len(axes), said(sweep, "axis.objective"), ends, unit=0.0)
    drawn.set_xlim(-0.25, len(axes) + 0.25)
    drawn.set_ylim(-0.05, 1.12)
    drawn.set_axis_off()
    legend(drawn, sweep, LINES)
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
    for height, text in ticks:
        written = shortened(text)
        side, align = (-GAP, "right") if unit else (GAP, "left")
        drawn.text(place + side, height, written, ha=align, va="center", fontsize=SMALL, color=INK, zorder=6)
        if unit:
            ends = [place - 2 * GAP - width_of(written, SMALL) * unit, place - GAP / 2]
            drawn.fill_between(ends, height - 0.03, height + 0.03, color=PAPER, alpha=0.85, linewidth=0, zorder=5)
