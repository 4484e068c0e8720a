"""The tables of a sweep, for Markdown, CSV, page and terminal alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from statistics import fmean, stdev
from typing import Any, NamedTuple
from urllib.parse import quote

from humanize import naturalsize

from mentalft.records import BETTER, UNDECIDED, WORSE, MetricResult
from mentalft.runs.sweep_files import DONE, FAILED, RUNNING, UNREADABLE
from mentalft.show.comparison import comparison_table, metric_cell
from mentalft.show.numbers import plain, signed
from mentalft.show.sweep.result import BEST, DEFAULT, NEAR, UNKNOWN, Axis, Setting, Sweep, number, shown
from mentalft.show.sweep.result import WORSE as WORSE_SETTING
from mentalft.show.sweep.sentences import duration, run_command
from mentalft.show.sweep.trials import Trial
from mentalft.show.table import Cell, Column, Table, figure, records
from mentalft.words import Said, contender, told

KINDS = {BEST: "best", NEAR: "better", WORSE_SETTING: "worse", UNKNOWN: ""}
"""How the standings are coloured."""
COST_FIELDS = ("seconds", "training_seconds", "memory_bytes", "adapter_bytes", "parameters", "train_dialogues")
"""Of a trial, as programs read them."""
MARK = {BETTER: "▲", WORSE: "▼", UNDECIDED: "·"}
"""Of verdicts that were given; what is withheld or a diagnostic has none."""


size = partial(naturalsize, binary=True)


class Row(NamedTuple):
    """A setting with all its trials, a single trial, or the base, which has none."""

    trials: Sequence[Trial]
    place: int | None
    objective: float | None = None
    setting: Setting | None = None

    @property
    def kind(self) -> str:
        return KINDS[self.setting.standing] if self.setting else "" if self.trials else "base"


def settings_table(sweep: Sweep) -> Table[Row]:
    """Every setting that has an objective, the best first, and the base."""
    columns = [
        Column[Row]("place", cell=lambda row: Cell(str(row.place or ""), row.place), left=True),
        *_axis_columns(sweep.varied),
        *_columns("objective", *(("sd", "seeds") if sweep.by_seeds else ()), "standing", *COSTS, "trial"),
    ]
    rows = [*_settings(sweep), Row((), None, sweep.base_objective)]
    return Table(columns, rows, kind=lambda row: row.kind.replace("better", ""), foot=_is_base)


def _settings(sweep: Sweep) -> Iterator[Row]:
    for place, setting in enumerate(sweep.settings, 1):
        yield Row(setting.trials, place, setting.objective, setting)


def _is_base(row: Row) -> bool:
    return not row.trials


def seeds_table(sweep: Sweep) -> Table[Row]:
    """Trials one by one, with their seeds: those behind a mean."""
    columns = [*_columns("trial"), *_axis_columns(sweep.axes), *_columns("objective", *COSTS)]
    return Table(columns, [Row([t], place, t.status.objective) for place, t in enumerate(sweep.looked_at)])


def unfinished_table(sweep: Sweep) -> Table[Row]:
    """Trials that have no objective: running, failed, or done without one."""
    columns = [*_columns("trial"), *_axis_columns(sweep.axes), *_columns("state", "time", "error", costs={})]
    rows = [Row([trial], place) for place, trial in enumerate(sweep.unrated)]
    return Table(columns, rows, kind=lambda row: _state(row).kind)


def _standing(row: Row) -> Cell:
    if row.setting is None:
        return Cell(contender("base"), kind="base")
    return Cell(Said(f"sweep.standing.{row.setting.standing.replace(' ', '_')}"), row.place, kind=row.kind)


def _trial(row: Row) -> Cell:
    """The names of trials; on a page that of one leads to its report."""
    from markupsafe import Markup

    if not row.trials:
        return Cell(Said("sweep.untuned"))
    names = [trial.name for trial in row.trials]
    link = Markup('<a href="{}/report.html">{}</a>').format(quote(names[0]), names[0])
    leads = len(names) == 1 and row.trials[0].has_report
    return Cell(", ".join(names), row.place, html=link if leads else None)


def _state(row: Row) -> Cell:
    state = row.trials[0].status.state
    kind = {FAILED: "worse", UNREADABLE: "worse", RUNNING: "undecided"}.get(state, "")
    return Cell(Said(f"sweep.state.{state if state != DONE else 'done_without'}"), state, kind=kind)


def _cost(field: str, of_all: Callable[[list[Any]], float], form: Callable[[Any], Said | str]) -> Callable[[Row], Cell]:
    """What the trials of a row cost, as one figure."""

    def cell(row: Row) -> Cell:
        known = [cost for trial in row.trials if (cost := getattr(trial, field)) is not None]
        return Cell(form(of_all(known)), of_all(known)) if known else Cell()

    return cell


CELLS: dict[str, Callable[[Row], Cell]] = {
    "objective": lambda row: figure(row.objective, plain),
    "sd": lambda row: figure(row.setting.sd if row.setting else None, plain),
    "seeds": lambda row: Cell(str(len(row.trials)), len(row.trials)) if row.trials else Cell(),
    "standing": _standing,
    "training": _cost("training_seconds", fmean, duration),
    "time": _cost("seconds", fmean, duration),
    "memory": _cost("memory_bytes", max, size),
    "adapter": _cost("adapter_bytes", max, size),
    "parameters": _cost("parameters", max, "{:,}".format),
    "trial": _trial,
    "state": _state,
    "error": lambda row: Cell(row.trials[0].problem) if row.trials[0].problem else Cell(),
}
LOOKS: dict[str, dict[str, Any]] = {
    "standing": {"left": True, "pill": True},
    "state": {"left": True, "pill": True},
    "trial": {"left": True},
    "error": {"left": True, "css": "long", "wraps": True},
}
COSTS = {"training": 5, "time": 4, "memory": 2, "adapter": 3, "parameters": 1}
"""In which order they are left out of a narrow terminal."""


def _columns(*keys: str, costs: Mapping[str, int] = COSTS) -> Iterator[Column[Row]]:
    for key in keys:
        yield Column(key, Said(f"sweep.col.{key}"), CELLS[key], leave_out=costs.get(key, 0), **LOOKS.get(key, {}))


def _axis_columns(axes: Iterable[Axis]) -> Iterator[Column[Row]]:
    for axis in axes:

        def cell(row: Row, key: str = axis.key) -> Cell:
            if not row.trials or row.trials[0].status.state == UNREADABLE:
                return Cell()
            value = row.trials[0].values.get(key, DEFAULT)
            known = number(value)
            return Cell(Said("sweep.default") if value == DEFAULT else shown(value), value if known is None else known)

        yield Column(axis.key, axis.label, cell, left=not axis.numeric)


def trial_records(sweep: Sweep) -> list[dict[str, Any]]:
    """Every trial, in the order of their directories, for programs."""
    standing = {trial.name: setting.standing for setting in sweep.settings for trial in setting.trials}
    return [
        {
            "trial": trial.name,
            "state": trial.status.state,
            "values": {axis.key: trial.values.get(axis.key, DEFAULT) for axis in sweep.axes},
            "objective": trial.status.objective,
            "standing": standing.get(trial.name, UNKNOWN),
            "base_objective": trial.base_objective,
            "started": trial.status.started or None,
            **{cost: getattr(trial, cost) for cost in COST_FIELDS},
            "error": told(trial.problem, "en") if trial.problem else None,
            "overrides": trial.status.overrides,
            "command": run_command(trial) if trial.status.command else None,
            "test": test_figures(trial),
        }
        for trial in sweep.trials
    ]


def trials_table(sweep: Sweep) -> Table[dict[str, Any]]:
    """:func:`trial_records` flat: an axis has a column of its name, and test scores begin with ``test/``."""
    rows = []
    for record in trial_records(sweep):
        values, tests, _ = record.pop("values"), record.pop("test"), record.pop("overrides")
        tests = {f"test/{metric}/{name}": value for metric, by in tests.items() for name, value in by.items()}
        rows.append({"trial": record.pop("trial"), "state": record.pop("state"), **values, **record, **tests})

    def column(key: str) -> Column[dict[str, Any]]:
        return Column(key, cell=lambda row: Cell(value=row.get(key)))

    return Table([column(key) for key in dict.fromkeys(key for row in rows for key in row)], rows)


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
    compared = [trial.comparison for trial in sweep.chosen.trials if trial.comparison] if sweep.chosen else []
    if not compared:
        return None
    first, language = compared[0], sweep.plan.language
    if len(compared) == 1:
        whole = comparison_table(first, language)
        kept = {"metric", "contender", "score", *first.contenders, "difference", "strip", "interval", "p_holm", "said"}
        return Table([c for c in whole.columns if c.key in kept], whole.rows, kind=lambda row: str(row.d.verdict))
    by_name = [{m.metric: m for m in c.metrics} for c in compared]
    rows = [
        OfSeeds([found[m.metric] for found in by_name], first.baseline, other)
        for m in first.metrics
        if all(m.metric in found for found in by_name)
        for other in first.others
        if all(other in found[m.metric].differences for found in by_name)
    ]
    name, several = contender(first.others[0]), len(first.others) > 1
    heading = Said("sweep.col.mean_sd", {"name": Said("show.score") if several else name})
    columns: list[Column[OfSeeds]] = [
        Column("metric", Said("show.metric"), lambda row: metric_cell(row.runs[0], language), left=True),
        Column("contender", Said("show.contender"), lambda row: Cell(contender(row.contender)), left=True),
        Column("baseline", contender(first.baseline), lambda row: figure(fmean(row.scores(row.baseline)), plain)),
        Column("score", heading, lambda row: _mean_sd(row.scores(row.contender), plain)),
        Column("diff", Said("sweep.col.diff_mean_sd"), lambda row: _mean_sd(row.differences, signed)),
        Column("range", Said("sweep.col.range"), OfSeeds.range),
        Column("verdicts", Said("sweep.col.verdicts"), OfSeeds.verdicts),
    ]
    return Table([column for column in columns if several or column.key != "contender"], rows)


class OfSeeds(NamedTuple):
    """One metric and contender in the runs of several seeds; how each run's own test came out."""

    runs: list[MetricResult]
    baseline: str
    contender: str

    def scores(self, name: str) -> list[float]:
        return [m.scores[name] for m in self.runs]

    @property
    def differences(self) -> list[float]:
        return [m.differences[self.contender].difference for m in self.runs]

    def range(self) -> Cell:
        return Cell(f"{signed(min(self.differences))} … {signed(max(self.differences))}")

    def verdicts(self) -> Cell:
        found: list[str] = [m.differences[self.contender].verdict for m in self.runs]
        return Cell("/".join(str(found.count(verdict)) for verdict in (BETTER, UNDECIDED, WORSE)))


def _mean_sd(values: list[float], form: Callable[[float], str]) -> Cell:
    return Cell(f"{form(fmean(values))} ± {plain(stdev(values))}")


def scores_table(sweep: Sweep) -> Table[Row] | None:
    """Test scores of every setting and of the base; None where none was compared."""
    compared = [trial.comparison for trial in sweep.trials if trial.comparison]
    metrics = {m.metric: m.title for c in compared for m in c.metrics}
    if not metrics:
        return None
    others = list(dict.fromkeys(name for c in compared for name in c.others))

    def place(row: Row) -> Cell:
        if row.place is None:
            return Cell(kind="") if row.trials else Cell(contender("base"), kind="base")
        return Cell(str(row.place), row.place, kind=row.kind)

    def column(metric: str, other: str) -> Column[Row]:
        said = Said("sweep.col.metric_of", {"metric": metrics[metric], "contender": contender(other)})
        return Column(
            f"{metric}/{other}",
            said if len(others) > 1 else metrics[metric],
            lambda row: _score(row, metric, other) if row.trials else figure(sweep.base_scores.get(metric), plain),
        )

    columns = [
        Column[Row]("place", cell=place, left=True),
        *_axis_columns(sweep.varied),
        *(column(metric, other) for metric in metrics for other in others),
    ]
    rows = [*_settings(sweep), *(Row([t], None) for t in sweep.unrated if t.comparison), Row((), None)]
    return Table(columns, rows, kind=lambda row: row.kind, foot=_is_base)


def _score(row: Row, metric: str, other: str) -> Cell:
    """The contender's score, its mean over seeds, and a mark for what each run's own test said."""
    found = [m for trial in row.trials if (m := trial.metrics.get(metric)) and other in m.differences]
    if not found:
        return Cell()
    score = fmean(m.scores[other] for m in found)
    return Cell(f"{plain(score)} {''.join(MARK.get(m.differences[other].verdict, '') for m in found)}", score)
