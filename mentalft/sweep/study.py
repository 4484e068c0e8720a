"""An Optuna study that is gone on with: what is known is told, and what is missing is asked again."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from mentalft.runs.sweep_files import DONE, Status, statuses


class Left(NamedTuple):
    trials: int
    """How many the sweeper is to run still."""
    seed: int | None
    """For its sampler, so that it does not draw again what it drew; None leaves it as it is."""


def left_to_do(sweep_dir: Path, storage: str, study_name: str, sweeper: dict[str, Any]) -> Left:
    """What is left of ``sweeper.n_trials`` in the study of an earlier command; all, where there is none.

    Trials that a stop left open get their result where the run was finished; those, and trials that failed, are queued
    to be run with the same values.
    """
    import optuna
    from optuna.trial import TrialState

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    wanted, seed = int(sweeper["n_trials"]), sweeper["sampler"].get("seed")
    if not (sweep_dir / "study.db").is_file():
        return Left(wanted, None)
    try:
        study = optuna.load_study(study_name=study_name, storage=storage)
    except KeyError:
        return Left(wanted, None)
    known = statuses(sweep_dir)
    for trial in study.get_trials(deepcopy=False):
        if trial.state == TrialState.RUNNING:
            value = _value(trial.params, known)
            study.tell(trial.number, value, state=TrialState.FAIL if value is None else TrialState.COMPLETE)
    trials = study.get_trials(deepcopy=False)
    done = [t.params for t in trials if t.state == TrialState.COMPLETE]
    waiting = [t for t in trials if t.state == TrialState.WAITING]
    queued = [t.system_attrs.get("fixed_params") for t in waiting]
    for trial in trials:
        if trial.state == TrialState.FAIL and trial.params and trial.params not in [*done, *queued]:
            study.enqueue_trial(trial.params)
            queued.append(trial.params)
    return Left(max(0, wanted - len(done)), None if seed is None else int(seed) + len(trials))


def _value(params: dict[str, Any], known: list[Status]) -> float | None:
    wanted = {f"{name}={value}" for name, value in params.items()}
    for status in known:
        if status.state == DONE and wanted == set(status.overrides):
            return status.for_sweeper
    return None
