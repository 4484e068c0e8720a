"""The tables of a sweep as cells, for Markdown, page and terminal alike."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

from mentalft.show.numbers import plain
from mentalft.show.sweep.axes import DEFAULT, number, shown
from mentalft.show.sweep.result import Sweep
from mentalft.show.sweep.trials import DONE, Trial
from mentalft.show.sweep.words import duration, size, whole

BASE = "base"
OBJECTIVE, STANDING, TRIAL = "objective", "standing", "trial"
COSTS = ["training", "time", "memory", "adapter", "parameters"]


class Cell(NamedTuple):
    text: str
    key: float | str | None = None
    """What the column is sorted by; None sorts last."""


class Row(NamedTuple):
    cells: list[Cell]
    kind: str = ""
    """``chosen``, ``within noise``, ``worse``, ``base`` …"""
    trial: Trial | None = None
    """Where it is one trial."""


class Table(NamedTuple):
    headings: list[str]
    left: tuple[int, ...]
    """Columns of text."""
    rows: list[Row]


def settings_table(sweep: Sweep) -> Table:
    """Every setting that has an objective, the best first, and the base."""
    axes = sweep.varied
    seeds = sweep.by_seeds
    headings = ["", *(axis.label for axis in axes), OBJECTIVE, *(["sd", "seeds"] if seeds else [])]
    headings += [STANDING, *COSTS, TRIAL]
    rows = [
        Row(
            [
                Cell(str(place), place),
                *(value_cell(setting.values[axis.key]) for axis in axes),
                Cell(plain(setting.objective), setting.objective),
                *([figure_cell(setting.sd), Cell(str(len(setting.trials)), len(setting.trials))] if seeds else []),
                Cell(setting.standing, place),
                *_costs(setting.trials),
                Cell(", ".join(trial.name for trial in setting.trials), place),
            ],
            setting.standing,
            setting.trials[0] if len(setting.trials) == 1 else None,
        )
        for place, setting in enumerate(sweep.settings, 1)
    ]
    nothing = [Cell("–")] * len(COSTS)
    base = [
        Cell(""),
        *([Cell("–")] * len(axes)),
        figure_cell(sweep.base_objective),
        *([Cell("–")] * 2 if seeds else []),
    ]
    left = [i + 1 for i, axis in enumerate(axes) if not axis.numeric]
    left += [0, headings.index(STANDING), len(headings) - 1]
    return Table(headings, tuple(left), [*rows, Row([*base, Cell(BASE), *nothing, Cell("untuned")], BASE)])


def trials_table(sweep: Sweep, trials: Sequence[Trial]) -> Table:
    """Trials one by one, with their seeds: those behind a mean."""
    headings = [TRIAL, *(axis.label for axis in sweep.axes), OBJECTIVE, *COSTS]
    rows = [
        Row(
            [Cell(trial.name, place), *_values(sweep, trial), figure_cell(trial.objective), *_costs([trial])],
            trial=trial,
        )
        for place, trial in enumerate(trials)
    ]
    return Table(headings, (0, *_text_axes(sweep)), rows)


def unfinished_table(sweep: Sweep) -> Table:
    """Trials that have no objective: running, failed, or done without one."""
    rated = {trial.name for setting in sweep.settings for trial in setting.trials}
    headings = [TRIAL, *(axis.label for axis in sweep.axes), "state", "time", "error"]
    rows = [
        Row(
            [
                Cell(trial.name, place),
                *_values(sweep, trial),
                Cell(trial.state if trial.state != DONE else "done, no objective", trial.state),
                Cell(duration(trial.seconds), trial.seconds),
                Cell(trial.error or "–", trial.error),
            ],
            trial.state,
            trial,
        )
        for place, trial in enumerate(t for t in sweep.trials if t.name not in rated)
    ]
    return Table(headings, (0, *_text_axes(sweep), len(headings) - 3, len(headings) - 1), rows)


def _costs(trials: Sequence[Trial]) -> list[Cell]:
    """Mean times, and the most of memory, adapter and parameters."""
    times = [_mean([getattr(t, name) for t in trials]) for name in ("training_seconds", "seconds")]
    sizes = [_most([getattr(t, name) for t in trials]) for name in ("memory_bytes", "adapter_bytes", "parameters")]
    forms = (size, size, whole)
    return [
        *(Cell(duration(found), found) for found in times),
        *(Cell(form(found), found) for form, found in zip(forms, sizes, strict=True)),
    ]


def _mean(figures: Sequence[float | None]) -> float | None:
    known = [figure for figure in figures if figure is not None]
    return fmean(known) if known else None


def _most(figures: Sequence[int | None]) -> int | None:
    return max((figure for figure in figures if figure is not None), default=None)


def figure_cell(value: float | None) -> Cell:
    return Cell("–" if value is None else plain(value), value)


def value_cell(value: str) -> Cell:
    found = number(value)
    return Cell(shown(value), value if found is None else found)


def _values(sweep: Sweep, trial: Trial) -> list[Cell]:
    """Of the axes, in order; a trial whose record could not be read has none."""
    return [value_cell(trial.values.get(axis.key, DEFAULT if trial.overrides else "–")) for axis in sweep.axes]


def _text_axes(sweep: Sweep) -> list[int]:
    return [i + 1 for i, axis in enumerate(sweep.axes) if not axis.numeric]
