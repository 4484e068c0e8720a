"""Several runs over the same items: each as it is, and all of them together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mentalft.comparison.compare import withheld
from mentalft.comparison.scores import ScoreSheet, read_scores
from mentalft.console import shown
from mentalft.errors import DataError, typed
from mentalft.metrics.registry import registry, total_of
from mentalft.records import (
    PRIMARY,
    SECONDARY,
    ComparedRun,
    Comparison,
    Gate,
    Leakage,
    MetricResult,
    RunsComparison,
    Spread,
)
from mentalft.runs.files import COMPARISON, MADE, SCORES
from mentalft.runs.markers import markers
from mentalft.statistics import LEAST_SEEDS, Measured, Settings, compare_all, log_length_ratio
from mentalft.words import Said, contender, listed


class Run(NamedTuple):
    name: str
    comparison: Comparison
    sheet: ScoreSheet
    made_with: object = None
    """What its contenders are, training seeds aside; equal for runs that are seeds of one."""
    seed: object = None
    """What tells its training from that of another seed; None where nothing is known of it."""

    @property
    def metrics(self) -> dict[str, MetricResult]:
        return {m.metric: m for m in self.comparison.metrics}


def compare_runs(
    run_dirs: Sequence[Path], *, pool: bool | None = None, pair: tuple[str, str] | None = None
) -> RunsComparison:
    """Read what the runs' own compare stages wrote, and combine it.

    Pooled, an item's difference is the mean over runs, and dialogues are resampled and swapped in all runs at once, the
    runs being as they are; from three training seeds on, intervals and tests are over dialogues and seeds. Side by
    side, the contenders of all runs are held against the baseline of the first.

    Args:
        pool: None pools runs that are seeds of one, and puts others side by side.
        pair: a baseline and the one contender to hold against it, in place of all.

    Raises:
        DataError: a run has not been compared, is given twice, or differs from the first in its items, its decoding,
            its confidence, or a metric's signature, or, to be pooled, its contenders; one line for each difference.
            ``pair`` names nobody.
    """
    runs = [read_run(path) for path in run_dirs]
    pooled = all(run.made_with == runs[0].made_with and _who(run) == _who(runs[0]) for run in runs)
    pooled = pooled if pool is None else pool
    _check_alike(runs, run_dirs, pooled=pooled)
    runs = [run._replace(sheet=run.sheet.in_order_of(runs[0].sheet.ids)) for run in runs]
    notes = [Said("compare.pooled" if pooled else "compare.side_by_side")] if len(runs) > 1 else []
    if not pooled and len(runs) > 1:
        runs = [side_by_side(runs)]
    if pair:
        runs = [_pair(run, *pair) for run in runs]
    first, others = runs[0], runs[0].comparison.others
    names = [name for name in first.metrics if all(name in run.metrics for run in runs)]
    over_seeds = tuple(other for other in others if _are_seeds(runs, other))
    if others and not over_seeds:
        notes.append(Said("compare.these_weights"))
    found = RunsComparison(
        baseline=first.comparison.baseline,
        contenders=first.comparison.contenders,
        items=first.comparison.items,
        dialogues=first.comparison.dialogues,
        confidence=first.comparison.confidence,
        decoding=first.comparison.decoding,
        runs=tuple(ComparedRun(run.name, tuple(run.metrics[name] for name in names)) for run in runs),
        combined=_combined(runs, names, over_seeds=bool(over_seeds)) if len(runs) > 1 else (),
        spreads=tuple(
            _spread(name, other, runs)
            for name in names
            for other in others
            if len(runs) > 1 and all(other in run.metrics[name].differences for run in runs)
        ),
        notes=(*notes, *_notes(runs, names)),
        leakage={
            name: _least_known([run.comparison.leakage[name] for run in runs]) for name in first.comparison.leakage
        },
        gates=tuple(_gates(runs)),
        demonstration=all(run.comparison.demonstration for run in runs),
        over_seeds=over_seeds,
    )
    return replace(found, combined=withheld(found, found.combined))


def _are_seeds(runs: Sequence[Run], name: str) -> bool:
    """Whether ``name`` was trained anew in each run, often enough to tell of further seeds; a copy is no training."""
    return len(runs) >= LEAST_SEEDS and not any(
        (one.seed is not None and one.seed == other.seed) or _same_parts(one, other, name)
        for one, other in combinations(runs, 2)
    )


def _least_known(found: Sequence[Leakage]) -> Leakage:
    return min(found, key=lambda one: (one.known, -one.share))


def _gates(runs: Sequence[Run]) -> Iterator[Gate]:
    """Those of every run, the same one once."""
    seen = set()
    for number, run in enumerate(runs, 1):
        for gate in run.comparison.gates:
            if (key := (gate.rule, gate.level, gate.contender, str(gate.clause))) not in seen:
                seen.add(key)
                line = Said("compare.of_run", {"number": number, "warning": gate.line})
                yield replace(gate, line=line) if len(runs) > 1 else gate


def read_run(run_dir: Path) -> Run:
    """What its compare stage wrote.

    Raises:
        DataError: it has not been compared.
    """
    if not run_dir.is_dir():
        raise DataError(f"{run_dir} is no directory; give run directories, such as outputs/2026-11-23/14-22-01")
    for file in (COMPARISON, SCORES):
        if not file.exists(run_dir):
            raise DataError(
                f"{run_dir} holds no {file.name}; score the run: mentalft {typed('run_dir', run_dir)} stages=[compare]"
            )
    return Run(shown(run_dir.absolute()), COMPARISON.load(run_dir), read_scores(run_dir), *_made_with(run_dir))


def _made_with(run_dir: Path) -> tuple[object, object]:
    """What its contenders are without the seed of their training, and that seed."""
    trained = markers(run_dir).get("train")
    if trained:
        return {key: value for key, value in trained.made_from.items() if key != "seed"}, trained.made_from["seed"]
    if not MADE.exists(run_dir):
        return None, None
    found = {name: about.identity or about.file for name, about in MADE.load(run_dir).contenders.items()}
    return found, found


def _who(run: Run) -> tuple[str, ...]:
    return run.comparison.baseline, *run.comparison.contenders


def side_by_side(runs: Sequence[Run]) -> Run:
    """One run in which the contenders of all of them answer; the same one, in several, is there once.

    Two of one name that are not the same are told apart by their runs.
    """
    labels = [Path(run.name).name for run in runs]
    if len(set(labels)) < len(labels):
        labels = [run.name for run in runs]
    joined: dict[str, tuple[Run, str]] = {}
    for run, label in zip(runs, labels, strict=True):
        for name in run.comparison.contenders:
            known = joined.get(name)
            if known is None:
                joined[name] = run, name
            elif not _same_parts(known[0], run, name):
                joined[f"{name} ({label})"] = run, name
    about = [(new, run.comparison, old) for new, (run, old) in joined.items()]
    first = runs[0].comparison
    gates = [gate for gate in first.gates if gate.contender is None]
    gates += [_renamed(gate, old, new) for new, of, old in about for gate in of.gates if gate.contender == old]
    sheet = runs[0].sheet._replace(
        characters={new: run.sheet.characters[old] for new, (run, old) in joined.items()},
        parts={new: run.sheet.parts[old] for new, (run, old) in joined.items()},
    )
    comparison = replace(
        first,
        contenders=tuple(joined),
        answers={new: of.answers[old] for new, of, old in about},
        checks={new: of.checks[old] for new, of, old in about},
        leakage={new: of.leakage[old] for new, of, old in about if old in of.leakage},
        gates=tuple(gates),
        notes=(),
        unseen=None,
    )
    return _measured_again(Run(" + ".join(run.name for run in runs), comparison, sheet))


def _same_parts(one: Run, other: Run, name: str) -> bool:
    here, there = one.sheet.parts[name], other.sheet.parts[name]
    return all(np.array_equal(here[metric], there[metric]) for metric in here.keys() & there.keys())


def _renamed(gate: Gate, old: str, new: str) -> Gate:
    def of(value: Any) -> Any:
        if isinstance(value, Said):
            return new if value == contender(old) else Said(value.key, {k: of(v) for k, v in value.values.items()})
        return [of(one) for one in value] if isinstance(value, list) else value

    return gate if old == new else replace(gate, contender=new, clause=of(gate.clause), line=of(gate.line))


def _pair(run: Run, baseline: str, other: str) -> Run:
    of = run.comparison
    for name in (baseline, other):
        if name not in of.contenders:
            raise DataError(f"--pair: {name} did not answer in {run.name}; there are {', '.join(of.contenders)}")
    if baseline == other:
        raise DataError(f"--pair: {baseline} is given twice; name two contenders")
    comparison = replace(
        of,
        baseline=baseline,
        contenders=(baseline, other),
        gates=tuple(gate for gate in of.gates if gate.contender in (None, baseline, other)),
    )
    return _measured_again(run._replace(comparison=comparison))


def _measured_again(run: Run) -> Run:
    """With the figures of its contenders against its baseline."""
    found = withheld(run.comparison, _combined([run], list(run.metrics)))
    return run._replace(comparison=replace(run.comparison, metrics=found))


def _check_alike(runs: Sequence[Run], run_dirs: Sequence[Path], *, pooled: bool) -> None:
    places = [path.resolve() for path in run_dirs]
    if twice := {str(path) for path in places if places.count(path) > 1}:
        raise DataError(f"{', '.join(sorted(twice))} is given twice; give each run once")
    problems = [problem for run in runs[1:] for problem in _differences(runs[0], run, pooled=pooled)]
    if not problems and not set.intersection(*(set(run.metrics) for run in runs)):
        problems = ["the runs have no metric in common; score them with the same eval.metrics"]
    if problems:
        raise DataError("\n".join(problems))


def _differences(one: Run, other: Run, *, pooled: bool) -> Iterator[str]:
    """What keeps two runs from one table, a sentence each."""
    between = f"{one.name} and {other.name}"
    if problem := _other_items(one.sheet, other.sheet):
        yield f"{between} have other items: {problem}; only runs over the same items can be compared"
    if pooled and _who(one) != _who(other):
        here, there = (f"{', '.join(c.others)} with {c.baseline}" for c in (one.comparison, other.comparison))
        yield f"{between} compare other contenders: {here} against {there}"
    if _without_seed(one.comparison.decoding) != _without_seed(other.comparison.decoding):
        yield f"{between} differ in decoding: {_told(one)} against {_told(other)}"
    if one.comparison.confidence != other.comparison.confidence:
        yield (
            f"{between} differ in eval.confidence: {one.comparison.confidence:g} against "
            f"{other.comparison.confidence:g}"
        )
    primaries = [next((m.title for m in run.metrics.values() if m.role == PRIMARY), "none") for run in (one, other)]
    if primaries[0] != primaries[1]:
        yield f"{between} differ in eval.primary: {primaries[0]} against {primaries[1]}"
    for name in (name for name in one.metrics if name in other.metrics):
        mine, its = (run.metrics[name].signature.split("|") for run in (one, other))
        if mine != its:
            only_here, only_there = ("|".join(f for f in a if f not in b) for a, b in ((mine, its), (its, mine)))
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


def _told(run: Run) -> str:
    return run.comparison.decoding or "not known"


def _without_seed(decoding: str | None) -> str | None:
    """Runs that sample differ in their seeds on purpose."""
    return decoding and re.sub(r"seed=\d+", "seed", decoding)


def _combined(runs: Sequence[Run], names: Sequence[str], *, over_seeds: bool = False) -> tuple[MetricResult, ...]:
    first, about = runs[0], runs[0].comparison
    measured = {
        name: Measured(
            title=m.title,
            signature=m.signature,
            parts={
                c: np.stack([run.sheet.parts[c][name] for run in runs])
                for c in about.contenders
                if all(name in run.sheet.parts[c] for run in runs)
            },
            total=total_of(name),
            higher_is_better=m.higher_is_better,
            of_answer=name not in registry() or registry()[name].of_answer,
            scale=m.scale,
            role=m.role,
        )
        for name, m in ((name, first.metrics[name]) for name in names)
    }
    ratios = {
        name: np.stack(
            [log_length_ratio(run.sheet.characters[about.baseline], run.sheet.characters[name]) for run in runs]
        )
        for name in about.others
    }
    settings = Settings(about.resamples, about.confidence, about.seed, over_seeds)
    return compare_all(measured, about.baseline, first.sheet.dialogues, ratios, settings)


def _spread(name: str, other: str, runs: Sequence[Run]) -> Spread:
    found = np.array([run.metrics[name].differences[other].difference for run in runs])
    return Spread(name, other, float(found.mean()), float(found.std(ddof=1)), float(found.min()), float(found.max()))


def _notes(runs: Sequence[Run], names: Sequence[str]) -> Iterator[Said]:
    about = runs[0].comparison
    left_out = sorted({name for run in runs for name in run.metrics} - set(names))
    if left_out:
        yield Said("compare.left_out", {"names": left_out})
    family, *families = (
        len(about.others) * sum(m.role == SECONDARY for m in found)
        for found in ([runs[0].metrics[name] for name in names], *(run.metrics.values() for run in runs))
    )
    if {family, *families} != {family}:
        yield Said("compare.families", {"sizes": listed(sorted({family, *families})), "size": family})
    for number, run in enumerate(runs[1:], 2):
        before = enumerate(runs[: number - 1], 1)
        same = next((n for n, other in before if all(_same_parts(run, other, name) for name in about.contenders)), None)
        if same is not None:
            yield Said("compare.copy", {"number": number, "same": same})
    baseline = [run.sheet.parts[about.baseline] for run in runs]
    if any(not np.array_equal(baseline[0][name], other[name]) for other in baseline[1:] for name in names):
        yield Said("compare.other_base", {"name": contender(about.baseline)})
