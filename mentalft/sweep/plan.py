"""What a sweep is going to do, known before its first trial; one of the few places that know Hydra."""

from __future__ import annotations

import logging
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import hydra
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from mentalft.config.composition import hydra_records, load_config, options_of
from mentalft.config.mistakes import in_words
from mentalft.console import set_language
from mentalft.errors import ConfigError
from mentalft.runs.sweep_files import SWEEP_PLAN, SweepPlan, as_text, key_of, read_plan
from mentalft.sweep.apart import run_apart
from mentalft.sweep.locks import running_elsewhere
from mentalft.sweep.study import left_to_do
from mentalft.sweep.trial import Trial, in_short, key_of_trial, run_trial
from mentalft.words import told

BASIC, OPTUNA = "basic", "optuna"


class Planned(NamedTuple):
    plan: SweepPlan
    sweeper: dict[str, Any]
    """Its part of the configuration."""
    sweep_dir: Path | None
    """The one to be continued."""
    hydra_sweep_dir: Path
    """Where Hydra would write."""


def plan_sweep(overrides: list[str], command: list[str]) -> Planned:
    """What ``overrides`` ask for; everything in them that is mistyped is answered here.

    Raises:
        ConfigError: values that cannot be used, in every trial; or values that are none of the key's type.
    """
    with hydra.initialize_config_module("mentalft.conf"):
        parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
        shared = [str(o.input_line) for o in parser.parse_overrides(overrides) if not o.is_sweep_override()]
        composed = hydra.compose("config", overrides=shared, return_hydra_config=True)
        found = composed.hydra
        of_sweeper: Any = OmegaConf.to_container(found.sweeper, resolve=True)
        in_config = [f"{key}={value}" for key, value in (of_sweeper.get("params") or {}).items()]
        every = parser.parse_overrides([*in_config, *overrides])
        sweeper, launcher = (str(found.runtime.choices[f"hydra/{kind}"]) for kind in ("sweeper", "launcher"))
        jobs = BasicSweeper.split_arguments(every, None)[0] if sweeper == BASIC else None
        plan = SweepPlan(
            command,
            [str(o.input_line) for o in _last_of_each(every) if o.is_sweep_override()],
            sweeper,
            launcher,
            as_text(datetime.now().astimezone()),
            "zh" if composed.report.language == "zh" else "en",
            of_sweeper.get("n_trials") if jobs is None else [[*key_of_trial(job)] for job in jobs],
        )
        _check(plan, of_sweeper, jobs if jobs is not None else [[*map(_first_value, _last_of_each(every))]])
    return Planned(plan, of_sweeper, Path(composed.sweep_dir) if composed.sweep_dir else None, Path(found.sweep.dir))


def _check(plan: SweepPlan, sweeper: dict[str, Any], jobs: list[list[str]]) -> None:
    """Say at once what cannot run, and refuse a sweep of which nothing can."""
    mistakes: dict[str, None] = {}
    unfit: dict[int, str] = {}
    for number, job in enumerate(jobs):
        try:
            load_config(hydra.compose("config", overrides=[o for o in job if not o.startswith("hydra")]))
        except ConfigError as error:
            unfit[number] = str(error)
        except Exception as error:
            message = in_words(error, job)
            if message is None:
                raise
            mistakes.update(dict.fromkeys(message.splitlines()))
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    if len(unfit) == len(jobs):
        raise ConfigError("\n".join(dict.fromkeys(line for text in unfit.values() for line in text.splitlines())))
    if plan.sweeper == OPTUNA:
        given = sweeper["direction"]
        directions = [str(getattr(d, "name", d)) for d in (given if isinstance(given, list) else [given])]
        if directions != ["minimize"]:
            raise ConfigError(
                f"hydra.sweeper.direction must be minimize, got {', '.join(directions)}; an objective of which more "
                "is better is handed to the sweeper negated"
            )
    keys = {key_of(o) for o in plan.overrides}
    for number, text in unfit.items():
        own = " ".join(o for o in jobs[number] if key_of(o) in keys)
        print(f"mentalft: trial {number} ({own}) cannot run: {'; '.join(text.splitlines())}", file=sys.stderr)


def _last_of_each(overrides: list[Override]) -> list[Override]:
    return list({o.get_key_element(): o for o in overrides}.values())


def _first_value(override: Override) -> str:
    """A search space is too large to be looked at; its beginning is not."""
    if not override.is_sweep_override():
        return str(override.input_line)
    if override.is_discrete_sweep():
        return f"{override.get_key_element()}={next(iter(override.sweep_string_iterator()))}"
    return f"{override.get_key_element()}={override.value().start}"  # type: ignore[union-attr]


def check_free(sweep_dir: Path) -> None:
    """Raise :class:`ConfigError` where ``sweep_dir`` is no place for a sweep, or another command runs its trials."""
    is_empty = not sweep_dir.exists() or (sweep_dir.is_dir() and not any(sweep_dir.iterdir()))
    if not is_empty and not SWEEP_PLAN.exists(sweep_dir):
        raise ConfigError(
            f"sweep_dir={sweep_dir} holds files that are of no sweep of mentalft; nothing was written there. "
            "Give a sweep's directory, an empty one, or one that does not exist yet"
        )
    running = running_elsewhere(sweep_dir)
    if running:
        raise ConfigError(
            f"sweep_dir={sweep_dir}: another process is running {', '.join(told(in_short(s)) for s in running)}; "
            "wait for it, or end it (ps lists it as mentalft)"
        )


def begin(planned: Planned, sweep_dir: Path) -> list[str]:
    """Write the plan, and return what Hydra must be told besides ``hydra.sweep.dir``.

    A study without a storage of the user's own lies in the sweep's directory, and is gone on with.
    """
    plan, sweeper = planned.plan, planned.sweeper
    earlier = read_plan(sweep_dir)  # whose beginning stays the beginning
    SWEEP_PLAN.save(sweep_dir, replace(plan, started=earlier.started) if earlier else plan)
    set_language(plan.language)
    # what failed is told by its status; the sweeper would tell it again in its own words
    logging.getLogger("hydra_plugins.hydra_optuna_sweeper").setLevel(logging.CRITICAL)
    told = ["hydra.output_subdir=null"]  # a job's own directory may be another than Hydra takes it to be
    if plan.sweeper == OPTUNA and not sweeper["storage"]:
        storage, name = f"sqlite:///{sweep_dir}/study.db", sweeper["study_name"] or "mentalft"
        left = left_to_do(sweep_dir, storage, name, sweeper)
        told += [f"hydra.sweeper.storage='{storage}'", f"hydra.sweeper.study_name='{name}'"]
        told += [f"hydra.sweeper.n_trials={left.trials}"]
        told += [] if left.seed is None else [f"hydra.sweeper.sampler.seed={left.seed}"]
    return told


def run_job(cfg: DictConfig) -> float | None:
    """What Hydra's launchers run for each job of a sweep."""
    about = HydraConfig.get()
    config: Any = OmegaConf.to_container(cfg, resolve=True)
    sweep_dir, output_dir = Path(about.sweep.dir), Path(about.runtime.output_dir)
    trial = Trial(
        sweep_dir,
        int(about.job.num),
        tuple(about.overrides.task),
        options_of(about),
        config,
        hydra_records(cfg, about),
        read_plan(sweep_dir),
    )
    if output_dir.is_dir() and not any(output_dir.iterdir()):
        output_dir.rmdir()  # Hydra made it for this job, whose own may be another one
    launcher = str(about.launcher._target_)
    if launcher.endswith("BasicLauncher"):
        return run_trial(trial)
    return run_apart(trial, _together(about) if "joblib" in launcher else 1)


def _together(about: Any) -> int:
    """How many trials joblib runs at the same time."""
    from joblib import effective_n_jobs

    batch = about.sweeper.get("n_jobs") or about.sweeper.get("max_batch_size")
    workers = int(effective_n_jobs(about.launcher.n_jobs))
    return max(1, min(workers, int(batch)) if batch else workers)
