"""The tables of a sweep, for Markdown, CSV, page and terminal alike."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, stdev
from typing import Any
from urllib.parse import quote

from mentalft.records import BETTER, UNDECIDED, WORSE
from mentalft.runs.sweep_files import DONE, FAILED, RUNNING, UNREADABLE
from mentalft.show.comparison import comparison_table, metric_cell
from mentalft.show.numbers import plain, signed
from mentalft.show.sweep.axes import DEFAULT, Axis, number, shown
from mentalft.show.sweep.result import BEST, NEAR, UNKNOWN, Setting, Sweep
from mentalft.show.sweep.result import WORSE as WORSE_SETTING
from mentalft.show.sweep.sentences import duration, run_command, size
from mentalft.show.sweep.trials import Trial
from mentalft.show.table import Cell, Column, Table, figure, records
from mentalft.words import Said, contender, told

Row = dict[str, Cell]
KINDS = {BEST: "best", NEAR: "better", WORSE_SETTING: "worse", UNKNOWN: ""}
"""How the standings are coloured."""
COSTS = {"parameters": 1, "memory": 2, "adapter": 3, "time": 4, "training": 5}
"""In which order they are left out of a narrow terminal."""
COST_FIELDS = ("seconds", "training_seconds", "memory_bytes", "adapter_bytes", "parameters", "train_dialogues")
"""Of a trial, as programs read them."""
MARK = {BETTER: "▲", WORSE: "▼", UNDECIDED: "·"}


def settings_table(sweep: Sweep) -> Table[Row]:
    """Every setting that has an objective, the best first, and the base."""
    columns = [
        Column[Row]("place", left=True),
        *_axis_columns(sweep.varied),
        _column("objective"),
        *([_column("sd"), _column("seeds")] if sweep.by_seeds else []),
        _column("standing", left=True, pill=True),
        *_cost_columns(),
        _column("trial", left=True),
    ]
    rows = [
        {
            "place": Cell(str(place), place),
            **{axis.key: _value(setting.values[axis.key]) for axis in sweep.varied},
            "objective": figure(setting.objective, plain),
            "sd": figure(setting.sd, plain),
            "seeds": Cell(str(len(setting.trials)), len(setting.trials)),
            "standing": standing_cell(setting, place),
            **_costs(setting.trials),
            "trial": _trial(setting.trials, place),
        }
        for place, setting in enumerate(sweep.settings, 1)
    ]
    base = {"objective": figure(sweep.base_objective, plain), "trial": Cell(Said("sweep.untuned"))}
    rows.append(_base_row(columns, **base, standing=Cell(contender("base"), kind="base")))
    return Table(columns, rows, kind=_row_kind, foot=lambda row: row["standing"].kind == "base")


def standing_cell(setting: Setting, place: int) -> Cell:
    said = Said(f"sweep.standing.{setting.standing.replace(' ', '_')}")
    return Cell(said, place, kind=KINDS[setting.standing])


def seeds_table(sweep: Sweep) -> Table[Row]:
    """Trials one by one, with their seeds: those behind a mean."""
    columns = [_column("trial", left=True), *_axis_columns(sweep.axes), _column("objective"), *_cost_columns()]
    rows = [
        {**_named(sweep, trial, place), "objective": figure(trial.status.objective, plain), **_costs([trial])}
        for place, trial in enumerate(sweep.looked_at)
    ]
    return Table(columns, rows)


def unfinished_table(sweep: Sweep) -> Table[Row]:
    """Trials that have no objective: running, failed, or done without one."""
    columns = [
        _column("trial", left=True),
        *_axis_columns(sweep.axes),
        _column("state", left=True, pill=True),
        _column("time"),
        _column("error", left=True, css="long", wraps=True),
    ]
    rated = {trial.name for trial in sweep.looked_at}
    rows = [
        {
            **_named(sweep, trial, place),
            "state": _state(trial),
            "time": _time(trial.seconds),
            "error": Cell(trial.problem) if trial.problem else Cell(),
        }
        for place, trial in enumerate(t for t in sweep.trials if t.name not in rated)
    ]
    return Table(columns, rows, kind=lambda row: row["state"].kind)


def trials_table(sweep: Sweep) -> Table[Row]:
    """A row a trial, in the order of their directories, for programs; test scores begin with ``test/``."""
    standing = {trial.name: setting.standing for setting in sweep.settings for trial in setting.trials}
    figures = [test_figures(trial) for trial in sweep.trials]
    tests = list(
        dict.fromkeys(f"test/{metric}/{name}" for found in figures for metric in found for name in found[metric])
    )
    axes = [axis.key for axis in sweep.axes]
    keys = ["trial", "state", *axes, "objective", "standing", *COST_FIELDS, "error", "command", *tests]
    rows = [
        {
            "trial": trial.name,
            "state": trial.status.state,
            **{key: trial.values.get(key, DEFAULT) for key in axes},
            "objective": trial.status.objective,
            "standing": standing.get(trial.name, UNKNOWN),
            **{cost: getattr(trial, cost) for cost in COST_FIELDS},
            "error": told(trial.problem, "en") if trial.problem else None,
            "command": run_command(trial) if trial.status.command else None,
            **{f"test/{metric}/{name}": value for metric, by in found.items() for name, value in by.items()},
        }
        for trial, found in zip(sweep.trials, figures, strict=True)
    ]
    return Table([Column(key, key) for key in keys], [{key: Cell(value=row.get(key)) for key in keys} for row in rows])


def test_figures(trial: Trial) -> dict[str, dict[str, Any]]:
    """Metric → figures by name; where several contenders are held against the baseline, by contender and name."""
    found: dict[str, dict[str, Any]] = {}
    if trial.comparison is None:
        return found
    kept = {"score", *trial.comparison.contenders, "difference", "low", "high", "p_holm", "verdict"}
    for row in records(comparison_table(trial.comparison)):
        name = f"{row['contender']}/" if "contender" in row else ""
        found.setdefault(row["metric"], {}).update({name + key: row[key] for key in row if key in kept})
    return found


def chosen_table(sweep: Sweep) -> Table[Any] | None:
    """Test scores of the chosen setting: with intervals of its run, or the spread of its seeds; None without any."""
    compared = [trial for trial in sweep.chosen.trials if trial.comparison] if sweep.chosen else []
    if not compared:
        return None
    if len(compared) > 1:
        return _of_seeds(compared)
    comparison = compared[0].comparison
    assert comparison is not None, "no other is kept"  # for the type checker
    whole = comparison_table(comparison, sweep.language)
    kept = {"metric", "contender", "score", *comparison.contenders}
    kept |= {"difference", "strip", "interval", "p_holm", "said"}
    return Table([c for c in whole.columns if c.key in kept], whole.rows, kind=lambda row: str(row.d.verdict))


def _of_seeds(trials: Sequence[Trial]) -> Table[Row]:
    """Means and deviations over seeds; how each seed's own test came out."""
    first = trials[0].comparison
    assert first is not None, "no other is kept"  # for the type checker
    rows: list[Row] = []
    for name, m in trials[0].metrics.items():
        found = [trial.metrics[name] for trial in trials if name in trial.metrics]
        for other in first.others if len(found) == len(trials) else ():
            differences = [m.differences[other].difference for m in found]
            scores = [m.scores[other] for m in found]
            verdicts: list[str] = [m.differences[other].verdict for m in found]
            rows.append(
                {
                    "metric": metric_cell(m),
                    "contender": Cell(contender(other)),
                    "baseline": figure(fmean(m.scores[first.baseline] for m in found), plain),
                    "score": Cell(f"{plain(fmean(scores))} ± {plain(stdev(scores))}"),
                    "diff_mean_sd": Cell(f"{signed(fmean(differences))} ± {plain(stdev(differences))}"),
                    "range": Cell(f"{signed(min(differences))} … {signed(max(differences))}"),
                    "verdicts": Cell("/".join(str(verdicts.count(v)) for v in (BETTER, UNDECIDED, WORSE))),
                }
            )
    several = len(first.others) > 1
    score = Said("show.score") if several else contender(first.others[0])
    columns = [
        Column[Row]("metric", Said("show.metric"), left=True),
        *([Column[Row]("contender", Said("show.contender"), left=True)] if several else []),
        Column[Row]("baseline", contender(first.baseline)),
        Column[Row]("score", Said("sweep.col.mean_sd", {"name": score})),
        *(_column(key) for key in ("diff_mean_sd", "range", "verdicts")),
    ]
    return Table(columns, rows)


def scores_table(sweep: Sweep) -> Table[Row] | None:
    """Test scores of every setting and of the base; None where none was compared."""
    known = [trial for trial in sweep.trials if trial.comparison]
    metrics = {name: m for trial in known for name, m in trial.metrics.items()}
    if not metrics:
        return None
    others = list(dict.fromkeys(name for trial in known if trial.comparison for name in trial.comparison.others))
    scores = {f"{name}/{other}": (name, other) for name in metrics for other in others}
    columns = [
        Column[Row]("place", left=True),
        *_axis_columns(sweep.varied),
        *(
            Column[Row](
                key,
                metrics[name].title
                if len(others) == 1
                else Said("sweep.col.metric_of", {"metric": metrics[name].title, "contender": contender(other)}),
            )
            for key, (name, other) in scores.items()
        ),
    ]
    rated = {trial.name for trial in sweep.looked_at}
    shown_ones: list[tuple[Cell, Sequence[Trial], str]] = [
        (Cell(str(place), place, kind=KINDS[setting.standing]), setting.trials, setting.standing)
        for place, setting in enumerate(sweep.settings, 1)
    ]
    shown_ones += [(Cell(), [trial], "") for trial in known if trial.name not in rated]
    rows: list[Row] = [
        {
            "place": place,
            **{axis.key: _value(trials[0].values.get(axis.key, DEFAULT)) for axis in sweep.varied},
            **{key: _score(trials, name, other) for key, (name, other) in scores.items()},
        }
        for place, trials, _ in shown_ones
    ]
    base = {key: figure(sweep.base_scores.get(name), plain) for key, (name, _) in scores.items()}
    rows.append(_base_row(columns, **base, place=Cell(contender("base"), kind="base")))
    return Table(columns, rows, kind=lambda row: row["place"].kind, foot=lambda row: row["place"].kind == "base")


def _score(trials: Sequence[Trial], metric: str, other: str) -> Cell:
    """The contender's score, its mean over seeds, and a mark for what each run's own test said."""
    found = [trial.metrics[metric] for trial in trials if metric in trial.metrics]
    found = [m for m in found if other in m.differences]
    if not found:
        return Cell()
    score = fmean(m.scores[other] for m in found)
    return Cell(f"{plain(score)} {''.join(MARK[m.differences[other].verdict] for m in found)}", score)


def _column(key: str, **more: Any) -> Column[Row]:
    return Column(key, Said(f"sweep.col.{key}"), **more)


def _axis_columns(axes: Sequence[Axis]) -> list[Column[Row]]:
    return [Column(axis.key, axis.label, left=not axis.numeric) for axis in axes]


def _cost_columns() -> list[Column[Row]]:
    return [_column(key, leave_out=COSTS[key]) for key in ("training", "time", "memory", "adapter", "parameters")]


def _base_row(columns: Sequence[Column[Row]], **known: Cell) -> Row:
    return {column.key: known.get(column.key, Cell()) for column in columns} | {"place": known.get("place", Cell(""))}


def _row_kind(row: Row) -> str:
    kind = row["standing"].kind
    return "" if kind == "better" else kind


def _named(sweep: Sweep, trial: Trial, place: int) -> Row:
    """A trial and its values of the axes; one whose record could not be read has none."""
    missing = DEFAULT if trial.values else "–"
    return {"trial": _trial([trial], place)} | {a.key: _value(trial.values.get(a.key, missing)) for a in sweep.axes}


def _trial(trials: Sequence[Trial], place: int) -> Cell:
    """The names of trials; on a page that of one leads to its report."""
    from markupsafe import Markup

    link = None
    if len(trials) == 1 and trials[0].has_report:
        link = Markup('<a href="{}/report.html">{}</a>').format(quote(trials[0].name), trials[0].name)
    return Cell(", ".join(trial.name for trial in trials), place, html=link)


def _state(trial: Trial) -> Cell:
    state = trial.status.state
    kind = {FAILED: "worse", UNREADABLE: "worse", RUNNING: "undecided"}.get(state, "")
    return Cell(Said(f"sweep.state.{state if state != DONE else 'done_without'}"), state, kind=kind)


def _costs(trials: Sequence[Trial]) -> Row:
    """Mean times, and the most of memory, adapter and parameters."""
    return {
        "training": _time(_mean([t.training_seconds for t in trials])),
        "time": _time(_mean([t.seconds for t in trials])),
        "memory": figure(_most([t.memory_bytes for t in trials]), size),
        "adapter": figure(_most([t.adapter_bytes for t in trials]), size),
        "parameters": figure(_most([t.parameters for t in trials]), lambda count: f"{count:,}"),
    }


def _time(seconds: float | None) -> Cell:
    return Cell() if seconds is None else Cell(duration(seconds), seconds)


def _mean(figures: Sequence[float | None]) -> float | None:
    known = [found for found in figures if found is not None]
    return fmean(known) if known else None


def _most(figures: Sequence[int | None]) -> int | None:
    return max((found for found in figures if found is not None), default=None)


def _value(value: str) -> Cell:
    found = number(value)
    return Cell(Said("sweep.default") if value == DEFAULT else shown(value), value if found is None else found)
