"""The experiment, from top to bottom: prepare → train → evaluate every contender → compare.

The stages are declared in :mod:`mentalft.stages`, one after another. Each imports what it needs when it runs, so that a
wrong path or value is answered at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mentalft.config import EMBEDDED, VALIDATION_LOSS, Config
from mentalft.config.contenders import key_of, specs
from mentalft.console import language, quiet_libraries, say, set_language, shown
from mentalft.errors import UserError
from mentalft.records import Comparison
from mentalft.runs.declared import declare
from mentalft.runs.files import COMPARISON, ITEMS, OBJECTIVE, TRAINED
from mentalft.runs.loop import check_needs, run_stage
from mentalft.runs.manifest import record_of, recorded_precision, shared_settings, write_records
from mentalft.runs.place import check_apart
from mentalft.runs.stage import Context, Stage, used_by
from mentalft.show.evidence import KINDS, evidence_in, show_evidence
from mentalft.show.model_card import write_card
from mentalft.show.terminal import show_comparison
from mentalft.show.verdict import verdict_sentence
from mentalft.stages import COMPARE, EVALUATE, PREPARE, STAGES, TRAIN
from mentalft.stages.prepare import check_asked
from mentalft.tracking import Tracker
from mentalft.words import Said

if TYPE_CHECKING:
    from mentalft.modeling.locate import LocatedModel


class Result(NamedTuple):
    comparison: Comparison | None
    objective: float | None
    """What ``eval.objective`` names, on the validation split; None where nothing was trained."""


def run_experiment(
    cfg: Config, run_dir: Path, tracker: Tracker, *, choices: dict[str, str], overrides: Sequence[str] = ()
) -> Result:
    """Run the stages that ``cfg`` asks for; one that is complete for the same inputs is not run again.

    Args:
        run_dir: kept for this process by :func:`mentalft.runs.place.held`.
        choices: what was taken from each group of ``conf/``; those that no stage uses are not recorded.
        overrides: the command's own, likewise.

    Raises:
        UserError: data, model, precision or embedder cannot be used; found out before anything is written.
    """
    stages = [stage for stage in STAGES if stage.is_wanted(cfg)]
    check_apart(cfg, run_dir, stages)
    check_needs(stages, run_dir)
    for stage in stages:
        stage.check(cfg)
    cfg = with_precision(cfg, run_dir, stages)
    context = Context(cfg, run_dir, tracker.log, located(cfg, stages))
    choices = used_by((stage.name for stage in stages), choices)
    if "model" in choices and any(override.startswith("model.name_or_path=") for override in overrides):
        choices = {**choices, "model": cfg.model.name}
    record = partial(record_of, cfg, overrides, choices, context.located)

    def keep_record() -> None:
        write_records(run_dir, record(), STAGES)
        write_card(run_dir)

    declare(cfg.eval, run_dir)
    keep_record()
    tracker.start(shared_settings(cfg, log_text=tracker.log_text), choices)
    for stage in stages:
        run_stage(stage, context, record, keep_record)
        if stage is PREPARE and EVALUATE in stages and COMPARE in stages:
            check_asked(context)
    if COMPARE in stages or (COMPARISON.exists(run_dir) and any(stage.name in KINDS for stage in stages)):
        from mentalft.show.writing import report

        report(cfg.report, run_dir)
    return show(cfg, stages, run_dir, tracker)


def with_precision(cfg: Config, run_dir: Path, stages: Sequence[Stage]) -> Config:
    """``cfg`` with ``trainer.precision=auto`` settled: as the run began, else by model and hardware.

    So it stands in the record, and a run that is continued on another machine goes on in the same precision.
    """
    if cfg.trainer.precision != "auto":
        return cfg
    precision = recorded_precision(run_dir)
    if precision is None and any(stage.will_load_model(cfg) for stage in stages):
        from mentalft.modeling.precision import precision_for

        precision = precision_for(cfg.model.name_or_path)
    return replace(cfg, trainer=replace(cfg.trainer, precision=precision or "auto"))


def located(cfg: Config, stages: Sequence[Stage]) -> LocatedModel | None:
    """The model, after looking at whether it can be used here as asked; None where no stage loads it."""
    if not any(stage.will_load_model(cfg) for stage in stages):
        return None
    from mentalft.modeling.adapter import check_fits
    from mentalft.modeling.base import base_config, check_attention, check_quantization
    from mentalft.modeling.locate import locate_model
    from mentalft.modeling.precision import plan_precision
    from mentalft.training.arguments import check_options

    located = locate_model(cfg.model)
    device = plan_precision(cfg.trainer.precision).device
    check_attention(cfg.model, device)
    check_quantization(cfg.model, device)
    check_options(cfg.trainer, device)
    elsewhere = {key_of(name, "adapter") for name, spec in specs(cfg).items() if spec.name_or_path or not spec.is_local}
    named = {key: path for stage in stages for key, path in stage.reads(cfg) if key.endswith(".adapter") and path}
    named = {key: path for key, path in named.items() if key not in elsewhere}
    for key, path in named.items():
        check_fits(Path(path).expanduser(), key, base_config(located), located.name)
    return located


def show(cfg: Config, stages: Sequence[Stage], run_dir: Path, tracker: Tracker) -> Result:
    """Print the table and where things are; hand the scores to the tracker; return what a sweep wants to know."""
    comparison = None
    if COMPARE in stages:
        comparison = COMPARISON.load(run_dir)
        show_comparison(comparison, run_dir, language())
        tracker.comparison(comparison)
        tracker.items(ITEMS.load(run_dir) if tracker.log_text else [])
        tracker.summary({"comparison/verdict": verdict_sentence(comparison)})
        tracker.plots(run_dir / "plots")
    found = [one for one in evidence_in(run_dir) if one.kind in {stage.name for stage in stages}]
    if comparison is None:
        show_evidence(found, language())
    tracker.evidence(found)
    tracker.artifacts()
    objective = _objective(cfg, run_dir, tracker) if TRAIN in stages else None
    say(Said("run.directory", {"path": shown(run_dir)}))
    if cfg.model.name_or_path == EMBEDDED and comparison and not cfg.eval.references:
        say(Said("run.embedded"))
        say(Said("run.next"))
    return Result(comparison, objective)


def _objective(cfg: Config, run_dir: Path, tracker: Tracker) -> float:
    loss = TRAINED.load(run_dir).validation_loss
    tracker.summary({"validation/best_loss": loss})
    name, value = cfg.eval.objective, loss
    if name != VALIDATION_LOSS:
        value = OBJECTIVE.load(run_dir).value
        tracker.summary({f"validation/{name}": value})
    if not math.isfinite(value):
        raise UserError(f"the objective ({name}) is {value}; lower trainer.learning_rate")
    return value


def run_tracked(
    config: Config,
    run_dir: Path,
    choices: dict[str, str],
    overrides: Sequence[str],
    *,
    group: str | None = None,
    name: str | None = None,
) -> float | None:
    """Run the experiment and return its objective; the tracker's run is closed however it ends.

    Args:
        choices: the option taken from each group of ``conf/``.
        overrides: the command's own.
        group, name: of the tracker's run, where this is a trial of a sweep.
    """
    from mentalft.training.processes import sigterm_raised

    quiet_libraries()
    set_language("zh" if config.report.language == "zh" else "en")
    tracker = Tracker(config.tracking, run_dir, group=group, name=name)
    try:
        with sigterm_raised():
            result = run_experiment(config, run_dir, tracker, choices=choices, overrides=overrides)
    except BaseException as error:
        tracker.finish(error)
        raise
    tracker.finish()
    return result.objective
