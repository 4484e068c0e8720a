"""A search that was stopped is gone on with: nothing that is known is run again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
from optuna.trial import TrialState

from mentalft.runs.sweep_files import DONE, write_status
from mentalft.sweep.study import left_to_do
from tests.sweep.trials import status

SWEEPER: dict[str, Any] = {"n_trials": 8, "sampler": {"seed": 42}}


def study(folder: Path) -> tuple[str, optuna.Study]:
    storage = f"sqlite:///{folder}/study.db"
    return storage, optuna.create_study(study_name="s", storage=storage)


def test_a_new_study_has_everything_before_it(tmp_path: Path) -> None:
    assert left_to_do(tmp_path, f"sqlite:///{tmp_path}/study.db", "s", SWEEPER) == (8, None)


def test_what_is_done_counts_and_what_was_open_or_failed_is_asked_again(tmp_path: Path) -> None:
    storage, made = study(tmp_path)
    trials = [made.ask() for _ in range(4)]
    for number, trial in enumerate(trials):
        trial.suggest_categorical("lora.r", [4, 8, 16, 32])
        trial.suggest_float("trainer.learning_rate", number + 1.0, number + 1.5)
    made.tell(trials[0], 1.0)
    made.tell(trials[1], state=TrialState.FAIL)
    known = [f"{name}={value}" for name, value in trials[2].params.items()]
    write_status(tmp_path, status(2, *known, state=DONE, objective=0.5))

    left = left_to_do(tmp_path, storage, "s", SWEEPER)
    assert left == (6, 46), "two of eight are done; the sampler does not begin anew"
    found = optuna.load_study(study_name="s", storage=storage).get_trials()
    assert found[2].value == 0.5
    queued = [t.system_attrs["fixed_params"] for t in found if t.state == TrialState.WAITING]
    assert queued == [trials[1].params, trials[3].params]

    assert left_to_do(tmp_path, storage, "s", SWEEPER).trials == 6
    again = optuna.load_study(study_name="s", storage=storage).get_trials()
    assert len([t for t in again if t.state == TrialState.WAITING]) == 2, "nothing is queued twice"
