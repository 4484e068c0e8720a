"""What a sweep will do is known, and what cannot run is said, before its first trial."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra.core.config_store import ConfigStore

from mentalft.config import Config
from mentalft.errors import ConfigError
from mentalft.sweep.plan import begin, check_free, plan_sweep


@pytest.fixture(autouse=True)
def _schema() -> None:
    ConfigStore.instance().store("base_config", Config, replace=True)


def test_a_grid_is_known_trial_by_trial() -> None:
    plan = plan_sweep(["experiment=quick", "lora.r=4,8", "seed=range(1,3)"], []).plan
    assert (plan.sweeper, plan.launcher, plan.overrides) == ("basic", "basic", ["lora.r=4,8", "seed=range(1,3)"])
    trials = [["experiment=quick", f"lora.r={r}", f"seed={s}"] for r in (4, 8) for s in (1, 2)]
    assert plan.trials == trials


def test_what_is_typed_takes_the_place_of_the_experiments_own_values() -> None:
    plan = plan_sweep(["experiment=seeds", "seed=5,6"], []).plan
    assert plan.overrides == ["seed=5,6"]
    assert isinstance(plan.trials, list)
    assert len(plan.trials) == 2


def test_a_trial_that_cannot_run_is_named_at_once_and_the_others_stay(capsys: pytest.CaptureFixture[str]) -> None:
    plan = plan_sweep(["lora.r=4,0"], []).plan
    assert isinstance(plan.trials, list)
    assert len(plan.trials) == 2
    assert "trial 1 (lora.r=0) cannot run: lora.r must be at least 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["lora.r=0,2000"], ["got 0", "got 2000"]),
        (["lora.r=4,8", "trainer.max_steps=0"], ["trainer.max_steps"]),
        (["lora.r=4,x", "data.max_length=y,512"], ["lora.r=x", "data.max_length=y"]),
        (["lora=qv_r8,nope"], ["lora=nope"]),
        (["eval.objective=test/bleu,bleu", "lora.r=0"], ["eval.objective=bleu"]),
        (["hydra/sweeper=optuna", "hydra.sweeper.direction=maximize", "lora.r=choice(4,8)"], ["must be minimize"]),
        (["hydra/sweeper=optuna", "lora.r=int(interval(0,8))"], ["lora.r must be at least 1"]),
        (["hydra/sweeper=optuna", "lora.r=interval(4,8)"], ["lora.r=4.0", "a whole number"]),
    ],
)
def test_what_no_trial_can_use_is_refused(overrides: list[str], words: list[str]) -> None:
    with pytest.raises(ConfigError) as refused:
        plan_sweep(overrides, [])
    for word in words:
        assert word in str(refused.value)


def test_a_study_lies_in_the_sweeps_directory(tmp_path: Path) -> None:
    planned = plan_sweep(["experiment=sweep_lora"], ["mentalft", "-m"])
    plan = planned.plan
    assert (plan.sweeper, plan.launcher, plan.trials) == ("optuna", "joblib", 12)
    assert {o.partition("=")[0] for o in plan.overrides} == {
        "lora.r", "lora.lora_alpha", "lora.lora_dropout", "lora.target_modules", "trainer.learning_rate",
    }  # fmt: skip
    told = begin(planned, tmp_path)
    assert f"hydra.sweeper.storage='sqlite:///{tmp_path}/study.db'" in told
    assert "hydra.sweeper.n_trials=12" in told


def test_a_folder_of_other_files_is_no_sweep(tmp_path: Path) -> None:
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / "my_model.pt").write_text("the user's")
    with pytest.raises(ConfigError, match="are of no sweep of mentalft"):
        check_free(tmp_path)
    check_free(tmp_path / "new")
