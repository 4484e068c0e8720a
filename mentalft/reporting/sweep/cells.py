"""The tables of a sweep as cells, for Markdown, page and terminal alike."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, stdev
from typing import NamedTuple

from mentalft.records import BETTER, UNDECIDED, WORSE, MetricComparison
from mentalft.reporting.numbers import plain, probability, signed, spread
from mentalft.reporting.sweep.axes import DEFAULT, SEED, number
from mentalft.reporting.sweep.result import Setting, Sweep
from mentalft.reporting.sweep.trials import DONE, Trial
from mentalft.reporting.sweep.words import duration, size, whole

MARK = {BETTER: "▲", WORSE: "▼", UNDECIDED: "·"}
BASE = "base"


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
    axes = [axis for axis in sweep.axes if axis.key != SEED]
    seeds = sweep.by_seeds
    headings = [
        "",
        *(axis.label for axis in axes),
        "objective",
        *(["sd", "seeds"] if seeds else []),
        "",
        *COSTS,
        "trial",
    ]
    rows = [
        Row(
            [
                Cell(str(place), place),
                *(_value(setting.values[axis.key]) for axis in axes),
                Cell(plain(setting.objective), setting.objective),
                *([_figure(setting.sd), Cell(str(len(setting.trials)), len(setting.trials))] if seeds else []),
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
    base = [Cell(""), *([Cell("–")] * len(axes)), _figure(sweep.base_objective), *([Cell("–")] * 2 if seeds else [])]
    left = [i + 1 for i, axis in enumerate(axes) if not axis.numeric]
    left += [0, len(headings) - 1, headings.index("", 1)]
    return Table(headings, tuple(left), [*rows, Row([*base, Cell(BASE), *nothing, Cell("untuned")], BASE)])


COSTS = ["training", "time", "memory", "adapter", "parameters"]


def trials_table(sweep: Sweep, trials: Sequence[Trial]) -> Table:
    """Trials one by one, with their seeds: those behind a mean."""
    headings = ["trial", *(axis.label for axis in sweep.axes), "objective", *COSTS]
    rows = [
        Row([Cell(trial.name, place), *_values(sweep, trial), _figure(trial.objective), *_costs([trial])], trial=trial)
        for place, trial in enumerate(trials)
    ]
    return Table(headings, (0, *_text_axes(sweep)), rows)


def unfinished_table(sweep: Sweep) -> Table:
    """Trials that have no objective: running, failed, or done without one."""
    rated = {trial.name for setting in sweep.settings for trial in setting.trials}
    headings = ["trial", *(axis.label for axis in sweep.axes), "state", "time", "error"]
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


def chosen_table(sweep: Sweep) -> Table | None:
    """Test scores of the chosen setting: with intervals of its run, or the spread of its seeds; None without any."""
    compared = _compared(sweep.chosen)
    if not compared:
        return None
    return _of_one(compared[0]) if len(compared) == 1 else _of_seeds(compared)


def scores_table(sweep: Sweep) -> Table | None:
    """Test scores of every setting and of the base; None where none was compared."""
    known = [trial for trial in sweep.trials if trial.comparison]
    titles = {name: title for trial in known for name, title in trial.titles.items()}
    if not titles:
        return None
    rated = {trial.name for setting in sweep.settings for trial in setting.trials}
    axes = [axis for axis in sweep.axes if axis.key != SEED]
    rows = [
        Row(
            [Cell(str(place), place), *(_value(setting.values[axis.key]) for axis in axes)]
            + [_score(name, setting.trials) for name in titles],
            setting.standing,
        )
        for place, setting in enumerate(sweep.settings, 1)
    ]
    rows += [
        Row(
            [Cell("–"), *(_value(trial.values.get(axis.key, DEFAULT)) for axis in axes)]
            + [_score(name, [trial]) for name in titles]
        )
        for trial in known
        if trial.name not in rated
    ]
    base = [Cell(BASE), *([Cell("–")] * len(axes)), *(_figure(sweep.base_scores.get(name)) for name in titles)]
    left = (0, *(i + 1 for i, axis in enumerate(axes) if not axis.numeric))
    return Table(["", *(axis.label for axis in axes), *titles.values()], left, [*rows, Row(base, BASE)])


def _compared(setting: Setting | None) -> list[Trial]:
    return [trial for trial in setting.trials if trial.comparison] if setting else []


def _of_one(trial: Trial) -> Table:
    assert trial.comparison is not None  # _compared keeps no other; for the type checker
    headings = ["metric", BASE, "tuned", "diff", f"{trial.comparison.confidence:.0%} interval", "Holm p", "verdict"]
    rows = [
        Row(
            [
                Cell(_title(trial, m)),
                Cell(plain(m.base), m.base),
                Cell(plain(m.tuned), m.tuned),
                Cell(signed(m.difference), m.difference),
                Cell(spread(m.interval)),
                Cell(probability(m.p_holm), m.p_holm),
                Cell(m.verdict, m.verdict),
            ],
            m.verdict,
        )
        for m in trial.comparison.metrics
    ]
    return Table(headings, (0, 6), rows)


def _of_seeds(trials: Sequence[Trial]) -> Table:
    """Means and deviations over seeds; how each seed's own test came out."""
    rows = []
    for name in trials[0].titles:
        found = [m for trial in trials if (m := _metric(trial, name))]
        if len(found) < len(trials):
            continue
        differences = [m.difference for m in found]
        verdicts = [m.verdict for m in found]
        counts = (verdicts.count(v) for v in (BETTER, UNDECIDED, WORSE))
        rows.append(
            Row(
                [
                    Cell(_title(trials[0], found[0])),
                    Cell(plain(fmean(m.base for m in found))),
                    Cell(f"{plain(fmean(m.tuned for m in found))} ± {plain(stdev(m.tuned for m in found))}"),
                    Cell(f"{signed(fmean(differences))} ± {plain(stdev(differences))}"),
                    Cell(f"{signed(min(differences))} … {signed(max(differences))}"),
                    Cell("/".join(map(str, counts))),
                ],
                verdicts[0] if len(set(verdicts)) == 1 else UNDECIDED,
            )
        )
    headings = ["metric", BASE, "tuned, mean ± sd", "diff, mean ± sd", "range of diff", "better/none/worse"]
    return Table(headings, (0,), rows)


def _title(trial: Trial, m: MetricComparison) -> str:
    return trial.titles[m.metric] + ("" if m.higher_is_better else " (lower is better)")


def _metric(trial: Trial, name: str) -> MetricComparison | None:
    return next((m for m in trial.comparison.metrics if m.metric == name), None) if trial.comparison else None


def _score(name: str, trials: Sequence[Trial]) -> Cell:
    """The tuned score, its mean over seeds, and a mark for what each run's own test said."""
    found = [m for trial in trials if (m := _metric(trial, name))]
    if not found:
        return Cell("–")
    marks = "".join(MARK[m.verdict] for m in found)
    score = fmean(m.tuned for m in found)
    return Cell(f"{plain(score)} {marks}", score)


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


def _figure(value: float | None) -> Cell:
    return Cell("–" if value is None else plain(value), value)


def _value(value: str) -> Cell:
    found = number(value)
    return Cell(value, value if found is None else found)


def _values(sweep: Sweep, trial: Trial) -> list[Cell]:
    """Of the axes, in order; a trial whose record could not be read has none."""
    return [_value(trial.values.get(axis.key, DEFAULT if trial.overrides else "–")) for axis in sweep.axes]


def _text_axes(sweep: Sweep) -> list[int]:
    return [i + 1 for i, axis in enumerate(sweep.axes) if not axis.numeric]
