"""From the directories of a sweep to what it found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mentalft.files import read_json
from mentalft.show.sweep.axes import DEFAULT, SEED, Axis, axes_of
from mentalft.show.sweep.importance import importance_of
from mentalft.show.sweep.noise import tell_apart
from mentalft.show.sweep.result import Setting, Sweep
from mentalft.show.sweep.trials import DONE, PLAN, Trial, read_trials


def read_sweep(sweep_dir: Path) -> Sweep:
    """Everything that the trials in ``sweep_dir`` left; what is missing or cut short is said, not raised.

    Raises:
        DataError: no trial is there.
    """
    trials = read_trials(sweep_dir)
    plan = _plan(sweep_dir)
    axes = axes_of(trials, plan)
    rated = [trial for trial in trials if trial.state == DONE and trial.objective is not None]
    newest = rated[-1] if rated else trials[0]
    name, maximize = newest.objective_name, newest.direction == "maximize"
    rated = [trial for trial in rated if trial.objective_name == name]
    settings = sorted(_settings(rated, axes), key=lambda s: -s.objective if maximize else s.objective)
    told = tell_apart(settings, sweep_dir, objective_name=name, maximize=maximize)
    return Sweep(
        sweep_dir=sweep_dir,
        sweeper=plan.get("sweeper"),
        launcher=plan.get("launcher"),
        started=plan.get("started") or min((t.started for t in trials if t.started), default=None),
        command=tuple(map(str, plan.get("command", ()))),
        objective_name=name,
        maximize=maximize,
        axes=axes,
        trials=tuple(trials),
        settings=told.settings,
        base_objective=_agreed([t.base_objective for t in rated]),
        base_scores=_base_scores(trials),
        noise=told.how,
        importance=importance_of(told.settings, [axis for axis in axes if axis.key != SEED], maximize=maximize),
        notes=tuple(_notes(trials, rated, axes, name)),
    )


def _plan(sweep_dir: Path) -> dict[str, Any]:
    try:
        found = read_json(sweep_dir / PLAN)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _settings(rated: Sequence[Trial], axes: Sequence[Axis]) -> list[Setting]:
    """Trials that differ in their seed alone are one setting, where the seed is an axis."""
    seeds = any(axis.key == SEED for axis in axes)
    found: dict[tuple[str, ...], list[Trial]] = {}
    for trial in rated:
        values = {axis.key: trial.values.get(axis.key, DEFAULT) for axis in axes if axis.key != SEED}
        found.setdefault((*values.values(), *(() if seeds else (trial.name,))), []).append(trial)
    return [
        Setting({a.key: together[0].values.get(a.key, DEFAULT) for a in axes if a.key != SEED}, tuple(together))
        for together in found.values()
    ]


def _agreed(figures: Sequence[float | None]) -> float | None:
    """The figure that all trials have, but for rounding; None where they differ."""
    known = [figure for figure in figures if figure is not None]
    return known[0] if known and max(known) - min(known) <= 1e-3 * abs(known[0]) else None


def _base_scores(trials: Sequence[Trial]) -> dict[str, float]:
    found: dict[str, list[float | None]] = {}
    for trial in trials:
        for m in trial.comparison.metrics if trial.comparison else ():
            found.setdefault(m.metric, []).append(m.base)
    return {metric: agreed for metric, bases in found.items() if (agreed := _agreed(bases)) is not None}


def _notes(trials: Sequence[Trial], rated: Sequence[Trial], axes: Sequence[Axis], name: str) -> Iterator[str]:
    if len({trial.validated_on for trial in rated if trial.validated_on}) > 1:
        yield "Trials were validated on different dialogues; their objectives are not comparable."
    if name == "validation_loss" and any(axis.key in ("model", "model.name_or_path") for axis in axes):
        yield "Losses of models with different tokenizers are not comparable: a token is not the same amount of text."
    other = {trial.objective_name for trial in trials if trial.objective is not None} - {name}
    if other:
        yield f"Trials with another objective ({', '.join(sorted(other))}) are listed without one."
    if not rated:
        yield "No trial has an objective yet, so none is chosen."
    decodings = {trial.comparison.decoding for trial in trials if trial.comparison}
    if len(decodings) > 1 and not any(axis.key == SEED for axis in axes):
        yield "Trials were decoded in different ways; their test scores are not comparable."
