"""Curves of the training: loss, learning rate, gradient norm, speed, memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mentalft.runs.loading import FinishedRun
from mentalft.show.plots.labels import Labels
from mentalft.show.plots.style import (
    BLUE,
    COLUMN,
    MUTED,
    PAPER,
    faint_lines,
    few_ticks,
    new_figure,
    plain_ticks,
    tick_text,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEIGHT = 2.1
SPIKY = 50.0
"""A curve whose highest point is so many times its median is drawn on a log axis."""
CURVES = {
    "learning_rate": ("train/learning_rate", 1.0),
    "grad_norm": ("train/grad_norm", 1.0),
    "tokens_per_second": ("train/tokens_per_second", 1.0),
    "memory": ("train/memory_bytes", 2.0**-30),
}
"""Figure → column of ``training.jsonl``, and what its values are multiplied with."""


class Curve(NamedTuple):
    steps: list[float]
    values: list[float]


def loss(run: FinishedRun, labels: Labels) -> Figure | None:
    """Training and validation loss over optimizer steps; the checkpoint that was kept is marked."""
    training, validation = _curve(run, "train/loss"), _curve(run, "validation/loss")
    if not training.steps and not validation.steps:
        return None
    figure = new_figure("loss", COLUMN, HEIGHT)
    axes = figure.add_subplot()
    if training.steps:
        _line(axes, training, color=MUTED, label=labels.word("training"))
    if validation.steps:
        name = labels.word("validation")
        axes.plot(*validation, color=BLUE, marker="o", markersize=3, markerfacecolor=PAPER, label=name)
    if trained := [(value, step) for step, value in zip(*validation, strict=True) if step > 0]:
        value, step = min(trained)
        kept = labels.word("best", loss=value, step=int(step))
        axes.plot([step], [value], color=BLUE, marker="D", markersize=5, linestyle="none", label=kept, zorder=3)
    _finish(axes, labels, "loss_axis")
    axes.legend()
    return figure


def curve(name: str, run: FinishedRun, labels: Labels) -> Figure | None:
    """One of :data:`CURVES` over optimizer steps."""
    column, unit = CURVES[name]
    found = _curve(run, column, unit)
    if not found.steps:
        return None
    figure = new_figure(name, COLUMN, HEIGHT)
    axes = figure.add_subplot()
    _line(axes, found, color=BLUE)
    middle = sorted(found.values)[len(found.values) // 2]
    if min(found.values) > 0 and max(found.values) > SPIKY * middle:
        axes.set_yscale("log")
        plain_ticks(axes.yaxis)
    else:
        axes.set_ylim(0, 1.08 * max(found.values) or 1)
        axes.yaxis.set_major_formatter(lambda value, _: tick_text(value))
    _finish(axes, labels, f"{name}_axis")
    return figure


def _curve(run: FinishedRun, column: str, unit: float = 1.0) -> Curve:
    rows = [row for row in run.training if column in row]
    return Curve([row["train/step"] for row in rows], [row[column] * unit for row in rows])


def _line(axes: Any, found: Curve, **how: Any) -> None:
    """A line; a dot where one point makes no line."""
    axes.plot(*found, marker="o" if len(found.steps) == 1 else None, **how)


def _finish(axes: Any, labels: Labels, ylabel: str) -> None:
    axes.set_xlabel(labels.word("step"))
    axes.set_ylabel(labels.word(ylabel))
    few_ticks(axes.xaxis, 6, integer=True)
    low, high = axes.get_xlim()
    if high - low < 1:  # one step alone
        axes.set_xlim(low - 1, high + 1)
    faint_lines(axes)
