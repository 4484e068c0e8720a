"""The learning curve: what more training dialogues bring."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mentalft.records import Difference
from mentalft.show.plots.style import BLUE, GREEN, INK, ORANGE, PAGE, PURPLE, VERMILLION, new_figure, tick_text
from mentalft.show.sweep.axes import SEED, TRAIN_FRACTION, number, shown
from mentalft.show.sweep.result import Setting, Sweep
from mentalft.show.sweep.styles import objective_label, said
from mentalft.words import contender, told

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LOOKS = ((BLUE, "o"), (VERMILLION, "s"), (GREEN, "^"), (ORANGE, "D"), (PURPLE, "v"))
SHOWN = ("rougeL", "rouge1", "bleu")
"""The metric shown beside the objective: the first of these that was measured, else the first of the table."""


class Point(NamedTuple):
    dialogues: float
    setting: Setting


def learning_curve(sweep: Sweep) -> Figure | None:
    """Objective, and one test score with its interval, against the number of training dialogues.

    None where ``data.train_fraction`` is no axis. A line for each combination of the other axes.
    """
    if not any(axis.key == TRAIN_FRACTION and axis.numeric for axis in sweep.axes):
        return None
    counted = all(s.trials[0].train_dialogues for s in sweep.settings)
    curves = _curves(sweep, counted=counted)
    if not any(len(points) > 1 for points in curves.values()) or len(curves) > len(LOOKS):
        return None
    metric = _metric(sweep)
    figure = new_figure("learning_curve", PAGE, 2.6)
    objective = figure.add_subplot(1, 2 if metric else 1, 1)
    for (name, points), (colour, marker) in zip(curves.items(), LOOKS, strict=False):
        x, y = [p.dialogues for p in points], [p.setting.objective for p in points]
        bars = [p.setting.sd or 0.0 for p in points]
        objective.errorbar(x, y, yerr=bars if any(bars) else None, color=colour, marker=marker, capsize=2, label=name)
    if sweep.base_objective is not None:
        objective.axhline(
            sweep.base_objective,
            color=INK,
            linewidth=0.8,
            linestyle=(0, (4, 1.5)),
            label=told(contender("base"), sweep.language),
        )
    objective.set_ylabel(objective_label(sweep))
    panels = [objective]
    if metric:
        panels.append(figure.add_subplot(1, 2, 2))
        _differences(panels[1], curves, metric)
        names = {role: told(contender(name), sweep.language) for role, name in _compared(sweep).items()}
        panels[1].set_ylabel(said(sweep, "axis.on_test", metric=_title(sweep, metric), **names))
    for panel in panels:
        panel.set_xlabel(said(sweep, "axis.dialogues" if counted else "axis.share"))
        panel.xaxis.set_major_formatter(lambda value, _: tick_text(value))
        panel.set_xlim(left=0)
    if len(curves) > 1 or sweep.base_objective is not None:
        objective.legend()
    return figure


def _curves(sweep: Sweep, *, counted: bool) -> dict[str, list[Point]]:
    others = [axis for axis in sweep.axes if axis.key not in (TRAIN_FRACTION, SEED)]
    found: dict[str, list[Point]] = {}
    for setting in sweep.settings:
        name = ", ".join(f"{axis.label}={shown(setting.values[axis.key])}" for axis in others) or told(
            contender("tuned"), sweep.language
        )
        share = number(setting.values[TRAIN_FRACTION])
        size = setting.trials[0].train_dialogues if counted else share
        if size is not None:
            found.setdefault(name, []).append(Point(float(size), setting))
    return {name: sorted(points, key=lambda p: p.dialogues) for name, points in sorted(found.items())}


def _differences(panel: object, curves: dict[str, list[Point]], metric: str) -> None:
    from matplotlib.axes import Axes

    assert isinstance(panel, Axes)  # for the type checker, which does not know matplotlib
    panel.axhline(0, color=INK, linewidth=0.8)
    for points, (colour, marker) in zip(curves.values(), LOOKS, strict=False):
        shown = [(p.dialogues, m) for p in points for m in _measured(p.setting, metric)]
        x, y = [size for size, _ in shown], [m.difference for _, m in shown]
        reach = [[m.difference - m.interval.low for _, m in shown], [m.interval.high - m.difference for _, m in shown]]
        joined = "-" if all(len(p.setting.trials) == 1 for p in points) else "none"
        panel.errorbar(x, y, yerr=reach, color=colour, marker=marker, capsize=2, linestyle=joined)


def _measured(setting: Setting, metric: str) -> list[Difference]:
    """Of the first contender that is held against the baseline, run by run."""
    compared = [trial for trial in setting.trials if trial.comparison and metric in trial.metrics]
    return [t.metrics[metric].differences[t.comparison.others[0]] for t in compared if t.comparison]


def _compared(sweep: Sweep) -> dict[str, str]:
    found = next(t.comparison for s in sweep.settings for t in s.trials if t.comparison)
    return {"contender": found.others[0], "baseline": found.baseline}


def _metric(sweep: Sweep) -> str | None:
    names = [name for setting in sweep.settings for name in setting.trials[0].metrics]
    return next((name for name in (*SHOWN, *names) if name in names), None)


def _title(sweep: Sweep, metric: str) -> str:
    return next(s.trials[0].metrics[metric].title for s in sweep.settings if metric in s.trials[0].metrics)
