"""Several runs over the same items: each as it is, and all of them together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mentalft.comparison.scores import ScoreSheet, read_scores
from mentalft.console import shown
from mentalft.errors import DataError
from mentalft.metrics.registry import total_of
from mentalft.records import ComparedRun, Comparison, MetricComparison, RunsComparison, Spread
from mentalft.show.tables import read_comparison
from mentalft.statistics import Measured, Settings, compare_all, log_length_ratio


class Run(NamedTuple):
    name: str
    comparison: Comparison
    titles: dict[str, str]
    sheet: ScoreSheet

    def metric(self, name: str) -> MetricComparison:
        return next(m for m in self.comparison.metrics if m.metric == name)


def compare_runs(run_dirs: Sequence[Path]) -> RunsComparison:
    """Read what the runs' own compare stages wrote, and combine it.

    All runs together: an item's difference is the mean over runs, and dialogues are resampled and swapped in all runs
    at once. The runs are taken as they are; how much another seed would change is in their spread.

    Raises:
        DataError: a run has not been compared, is given twice, or differs from the first in its items, its decoding,
            its confidence or a metric's signature; one line for each difference.
    """
    runs = [_read(path) for path in run_dirs]
    _check_alike(runs, run_dirs)
    first = runs[0]
    runs = [run._replace(sheet=run.sheet.in_order_of(first.sheet.ids)) for run in runs]
    names = [name for name in first.titles if all(name in run.titles for run in runs)]
    return RunsComparison(
        items=first.comparison.items,
        dialogues=first.comparison.dialogues,
        confidence=first.comparison.confidence,
        decoding=first.comparison.decoding,
        titles={name: first.titles[name] for name in names},
        runs=tuple(ComparedRun(run.name, tuple(run.metric(name) for name in names)) for run in runs),
        combined=_combined(runs, names) if len(runs) > 1 else (),
        spreads=tuple(_spread(name, runs) for name in names) if len(runs) > 1 else (),
        notes=tuple(_notes(runs, names)),
    )


def _read(run_dir: Path) -> Run:
    if not run_dir.is_dir():
        raise DataError(f"{run_dir} is no directory; give run directories, such as outputs/2026-11-23/14-22-01")
    for name in ("comparison.json", "scores.jsonl"):
        if not (run_dir / name).is_file():
            raise DataError(f"{run_dir} holds no {name}; score the run: mentalft run_dir={run_dir} stages=[compare]")
    return Run(shown(run_dir.absolute()), *read_comparison(run_dir), read_scores(run_dir / "scores.jsonl"))


def _check_alike(runs: Sequence[Run], run_dirs: Sequence[Path]) -> None:
    places = [path.resolve() for path in run_dirs]
    if twice := {str(path) for path in places if places.count(path) > 1}:
        raise DataError(f"{', '.join(sorted(twice))} is given twice; give each run once")
    problems = [problem for run in runs[1:] for problem in _differences(runs[0], run)]
    if not problems and not set.intersection(*(set(run.titles) for run in runs)):
        problems = ["the runs have no metric in common; score them with the same eval.metrics"]
    if problems:
        raise DataError("\n".join(problems))


def _differences(one: Run, other: Run) -> Iterator[str]:
    """What keeps two runs from one table, a sentence each."""
    between = f"{one.name} and {other.name}"
    if problem := _other_items(one.sheet, other.sheet):
        yield f"{between} have other items: {problem}; only runs over the same items can be compared"
    if _without_seed(one.comparison.decoding) != _without_seed(other.comparison.decoding):
        yield f"{between} differ in decoding: {one.comparison.decoding} against {other.comparison.decoding}"
    if one.comparison.confidence != other.comparison.confidence:
        yield (
            f"{between} differ in eval.confidence: {one.comparison.confidence:g} against "
            f"{other.comparison.confidence:g}"
        )
    for name in one.titles.keys() & other.titles.keys():
        here, there = one.metric(name).signature.split("|"), other.metric(name).signature.split("|")
        if here != there:
            only_here, only_there = ("|".join(f for f in a if f not in b) for a, b in ((here, there), (there, here)))
            yield f"{between} differ in the signature of {name}: {only_here or 'less'} against {only_there or 'less'}"


def _other_items(one: ScoreSheet, other: ScoreSheet) -> str | None:
    here, there = dict(zip(one.ids, one.digests, strict=True)), dict(zip(other.ids, other.digests, strict=True))
    only_here, only_there = [i for i in here if i not in there], [i for i in there if i not in here]
    if only_here or only_there:
        which = [
            f"{len(ids)} only in the {place} (such as {ids[0]})"
            for ids, place in ((only_here, "first"), (only_there, "second"))
            if ids
        ]
        return " and ".join(which)
    changed = [i for i in here if here[i] != there[i]]
    return f"{len(changed)} with another history or reference (such as {changed[0]})" if changed else None


def _without_seed(decoding: str) -> str:
    """Runs that sample differ in their seeds on purpose."""
    return re.sub(r"seed=\d+", "seed", decoding)


def _combined(runs: Sequence[Run], names: Sequence[str]) -> tuple[MetricComparison, ...]:
    first = runs[0]
    measured = {
        name: Measured(
            first.metric(name).signature,
            np.stack([run.sheet.parts["base"][name] for run in runs]),
            np.stack([run.sheet.parts["tuned"][name] for run in runs]),
            total_of(name),
            first.metric(name).higher_is_better,
            about_answers=first.metric(name).length_controlled is not None,
        )
        for name in names
    }
    ratios = [log_length_ratio(run.sheet.characters["base"], run.sheet.characters["tuned"]) for run in runs]
    settings = Settings(first.comparison.resamples, first.comparison.confidence, first.comparison.seed)
    return compare_all(measured, first.sheet.dialogues, np.stack(ratios), settings)


def _spread(name: str, runs: Sequence[Run]) -> Spread:
    found = np.array([run.metric(name).difference for run in runs])
    return Spread(name, float(found.mean()), float(found.std(ddof=1)), float(found.min()), float(found.max()))


def _notes(runs: Sequence[Run], names: Sequence[str]) -> Iterator[str]:
    left_out = sorted({name for run in runs for name in run.titles} - set(names))
    if left_out:
        yield f"left out, because not every run has it: {', '.join(left_out)}"
    families = sorted({len(run.titles) for run in runs} | {len(names)})
    if len(families) > 1:
        yield (
            f"Holm p is corrected for the number of metrics in its own table, and these hold {_listed(families)}; "
            f"in the rows of all it is {len(names)}"
        )
    for number, run in enumerate(runs[1:], 2):
        same = next((n for n, other in enumerate(runs[: number - 1], 1) if _same_scores(run, other, names)), None)
        if same is not None:
            yield f"run {number} has the very scores of run {same}: if it is a copy, it is no second run"
    base = [run.sheet.parts["base"] for run in runs]
    if any(not np.array_equal(base[0][name], other[name]) for other in base[1:] for name in names):
        yield "base scores are not the same in every run: another base model, precision or machine, or another seed"
    for number, run in enumerate(runs, 1):
        for warning in run.comparison.warnings:
            yield f"run {number}: {warning}"


def _same_scores(one: Run, other: Run, names: Sequence[str]) -> bool:
    here, there = one.sheet, other.sheet
    return all(np.array_equal(here.parts[side][name], there.parts[side][name]) for side in here.parts for name in names)


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:-1])) + f" and {numbers[-1]}"
