"""The test scores of a sweep as cells: of the chosen setting, and apart from it those of all."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, stdev

from mentalft.records import BETTER, UNDECIDED, WORSE, MetricComparison
from mentalft.show.numbers import plain, probability, signed, spread
from mentalft.show.sweep.axes import DEFAULT
from mentalft.show.sweep.cells import BASE, Cell, Row, Table, figure_cell, value_cell
from mentalft.show.sweep.result import Setting, Sweep
from mentalft.show.sweep.trials import Trial

MARK = {BETTER: "▲", WORSE: "▼", UNDECIDED: "·"}
MARKS = "▲ better than the base, ▼ worse, · no evidence of a difference, by each run's own test."


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
    axes = sweep.varied
    rows = [
        Row(
            [Cell(str(place), place), *(value_cell(setting.values[axis.key]) for axis in axes)]
            + [_score(name, setting.trials) for name in titles],
            setting.standing,
        )
        for place, setting in enumerate(sweep.settings, 1)
    ]
    rows += [
        Row(
            [Cell("–"), *(value_cell(trial.values.get(axis.key, DEFAULT)) for axis in axes)]
            + [_score(name, [trial]) for name in titles]
        )
        for trial in known
        if trial.name not in rated
    ]
    base = [Cell(BASE), *([Cell("–")] * len(axes)), *(figure_cell(sweep.base_scores.get(name)) for name in titles)]
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
