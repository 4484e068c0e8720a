"""From the directories of a sweep to what it found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from mentalft.runs.sweep_files import DONE, SweepPlan, read_plan
from mentalft.show.language import in_language
from mentalft.show.sweep.importance import importance_of
from mentalft.show.sweep.result import SEED, Axis, Sweep, axes_of
from mentalft.show.sweep.standings import in_order, tell_apart
from mentalft.show.sweep.trials import Trial, read_trials
from mentalft.words import Said


def read_sweep(sweep_dir: Path) -> Sweep:
    """Everything that the trials in ``sweep_dir`` left; what is missing or cut short is said, not raised.

    Raises:
        DataError: no trial is there.
    """
    found = read_trials(sweep_dir)
    started = min((t.status.started for t in found if t.status.started), default="")
    plan = read_plan(sweep_dir) or SweepPlan([], [], "", "", started)
    trials = tuple(
        replace(
            t, comparison=in_language(t.comparison, plan.language) if t.comparison and t.comparison.others else None
        )
        for t in found  # of a contender that stands alone there is nothing to show here
    )
    axes = axes_of(trials, plan.overrides)
    rated = [trial for trial in trials if trial.status.state == DONE and trial.status.objective is not None]
    newest = (rated or trials)[-1].status
    rated = [trial for trial in rated if trial.status.objective_name == newest.objective_name]
    maximize = newest.direction == "maximize"
    settings, how = tell_apart(
        in_order(rated, axes, maximize=maximize), sweep_dir, newest.objective_name, maximize=maximize
    )
    return Sweep(
        sweep_dir=sweep_dir,
        plan=plan,
        objective_name=newest.objective_name,
        maximize=maximize,
        axes=axes,
        trials=trials,
        settings=settings,
        base_objective=_agreed([t.base_objective for t in rated]),
        base_scores=_base_scores(trials),
        noise=how,
        importance=importance_of(settings, [axis for axis in axes if axis.key != SEED], maximize=maximize),
        notes=tuple(_notes(trials, rated, axes, newest.objective_name)),
    )


def _agreed(figures: Sequence[float | None]) -> float | None:
    """The figure that all trials have, but for rounding; None where they differ."""
    known = [figure for figure in figures if figure is not None]
    return known[0] if known and max(known) - min(known) <= 1e-3 * abs(known[0]) else None


def _base_scores(trials: Sequence[Trial]) -> dict[str, float]:
    found: dict[str, list[float | None]] = {}
    for compared in (trial.comparison for trial in trials if trial.comparison):
        for m in compared.metrics:
            found.setdefault(m.metric, []).append(m.scores[compared.baseline])
    return {metric: agreed for metric, bases in found.items() if (agreed := _agreed(bases)) is not None}


def _notes(trials: Sequence[Trial], rated: Sequence[Trial], axes: Sequence[Axis], name: str) -> Iterator[Said]:
    keys = {axis.key for axis in axes}
    if len({trial.validated_on for trial in rated if trial.validated_on}) > 1:
        yield Said("sweep.note.validation")
    if name == "validation_loss" and keys & {"model", "model.name_or_path"}:
        yield Said("sweep.note.tokenizers")
    if other := {trial.status.objective_name for trial in trials if trial.status.objective is not None} - {name}:
        yield Said("sweep.note.objectives", {"names": sorted(other)})
    if not rated:
        yield Said("sweep.note.none_yet")
    if SEED not in keys and len({trial.comparison.decoding for trial in trials if trial.comparison}) > 1:
        yield Said("sweep.note.decodings")
