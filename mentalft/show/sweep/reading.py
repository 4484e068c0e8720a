"""From the directories of a sweep to what it found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from mentalft.runs.sweep_files import DONE, read_plan
from mentalft.show.language import in_language
from mentalft.show.sweep.axes import SEED, Axis, axes_of
from mentalft.show.sweep.importance import importance_of
from mentalft.show.sweep.result import Sweep
from mentalft.show.sweep.standings import in_order, tell_apart
from mentalft.show.sweep.trials import Trial, read_trials
from mentalft.words import Said


def read_sweep(sweep_dir: Path) -> Sweep:
    """Everything that the trials in ``sweep_dir`` left; what is missing or cut short is said, not raised.

    Raises:
        DataError: no trial is there.
    """
    plan = read_plan(sweep_dir)
    language = plan.language if plan else "en"
    trials = [
        replace(trial, comparison=trial.comparison and in_language(trial.comparison, language))
        for trial in read_trials(sweep_dir)
    ]
    axes = axes_of(trials, plan)
    rated = [trial for trial in trials if trial.status.state == DONE and trial.status.objective is not None]
    newest = (rated or trials)[-1].status
    rated = [trial for trial in rated if trial.status.objective_name == newest.objective_name]
    maximize = newest.direction == "maximize"
    told = tell_apart(
        in_order(rated, axes, maximize=maximize),
        sweep_dir,
        objective_name=newest.objective_name,
        maximize=maximize,
    )
    return Sweep(
        sweep_dir=sweep_dir,
        language=language,
        sweeper=plan.sweeper if plan else None,
        launcher=plan.launcher if plan else None,
        started=plan.started if plan else min((t.status.started for t in trials if t.status.started), default=None),
        command=tuple(plan.command) if plan else (),
        objective_name=newest.objective_name,
        maximize=maximize,
        axes=axes,
        trials=tuple(trials),
        settings=told.settings,
        base_objective=_agreed([t.base_objective for t in rated]),
        base_scores=_base_scores(trials),
        noise=told.how,
        importance=importance_of(told.settings, [axis for axis in axes if axis.key != SEED], maximize=maximize),
        notes=tuple(_notes(trials, rated, axes, newest.objective_name)),
    )


def _agreed(figures: Sequence[float | None]) -> float | None:
    """The figure that all trials have, but for rounding; None where they differ."""
    known = [figure for figure in figures if figure is not None]
    return known[0] if known and max(known) - min(known) <= 1e-3 * abs(known[0]) else None


def _base_scores(trials: Sequence[Trial]) -> dict[str, float]:
    found: dict[str, list[float | None]] = {}
    for trial in trials:
        if trial.comparison:
            for m in trial.comparison.metrics:
                found.setdefault(m.metric, []).append(m.scores[trial.comparison.baseline])
    return {metric: agreed for metric, bases in found.items() if (agreed := _agreed(bases)) is not None}


def _notes(trials: Sequence[Trial], rated: Sequence[Trial], axes: Sequence[Axis], name: str) -> Iterator[Said]:
    if len({trial.validated_on for trial in rated if trial.validated_on}) > 1:
        yield Said("sweep.note.validation")
    if name == "validation_loss" and any(axis.key in ("model", "model.name_or_path") for axis in axes):
        yield Said("sweep.note.tokenizers")
    other = {trial.status.objective_name for trial in trials if trial.status.objective is not None} - {name}
    if other:
        yield Said("sweep.note.objectives", {"names": sorted(other)})
    if not rated:
        yield Said("sweep.note.none_yet")
    decodings = {trial.comparison.decoding for trial in trials if trial.comparison}
    if len(decodings) > 1 and not any(axis.key == SEED for axis in axes):
        yield Said("sweep.note.decodings")
