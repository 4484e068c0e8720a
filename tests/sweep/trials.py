"""Trials to test with: only the data stage, on a handful of dialogues, unless more is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from mentalft.config import Config
from mentalft.runs.sweep_files import RUNNING, Status, SweepPlan
from mentalft.sweep.plan import Planned, begin
from mentalft.sweep.trial import Trial


def status(job: int, *overrides: str, **other: Any) -> Status:
    values = {
        "job": job, "overrides": list(overrides), "fixed": [], "state": RUNNING, "error": None, "objective": None,
        "objective_name": "validation_loss", "direction": "minimize", "started": "2026-11-25T08:00:00.000+00:00",
        "ended": None, "seconds": None, "command": ["mentalft", *overrides], "choices": {},
    }  # fmt: skip
    return Status(**{**values, **other})


def plan(launcher: str, *varied: str, started: str = "2026-11-25T08:00:00+00:00") -> Planned:
    asked = SweepPlan(["mentalft", "-m"], list(varied), "basic", launcher, started)
    return Planned(asked, {}, None, Path("multirun"))


def trial(sweep_dir: Path, number: int, own: list[str], fixed: list[str]) -> Trial:
    """A trial of a sweep that varies the keys of ``own``."""
    ConfigStore.instance().store("base_config", Config, replace=True)
    sweep_dir.mkdir(parents=True, exist_ok=True)
    planned = plan("basic", *(f"{o.partition('=')[0]}=1,2" for o in own))
    begin(planned, sweep_dir)
    with hydra.initialize_config_module("mentalft.conf"):
        composed: Any = OmegaConf.to_container(hydra.compose("config", overrides=[*fixed, *own]), resolve=True)
    return Trial(
        sweep_dir, number, (*fixed, *own), {"lora": "qv_r8"}, composed, {"overrides.yaml": "[]\n"}, planned.plan
    )
