"""How an experiment ends: what is shown, what the tracker gets, and what a sweep wants to know."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

from mentalft.config import EMBEDDED, VALIDATION_LOSS, Config
from mentalft.console import say, shown
from mentalft.errors import UserError
from mentalft.files import read_json, read_jsonl
from mentalft.records import Comparison
from mentalft.show.tables import read_comparison
from mentalft.show.terminal import show_comparison
from mentalft.show.verdict import verdict_sentence
from mentalft.tracking import Tracker


class Result(NamedTuple):
    comparison: Comparison | None
    objective: float | None
    """What ``eval.objective`` names, on the validation split; None where nothing was trained."""


def show(cfg: Config, run_dir: Path, tracker: Tracker) -> Result:
    """Print the table and where things are; hand the scores to the tracker; return what a sweep wants to know."""
    comparison = None
    if "compare" in cfg.stages:
        comparison, titles = read_comparison(run_dir)
        show_comparison(comparison, titles, run_dir)
        tracker.comparison(comparison)
        tracker.items(read_jsonl(run_dir / "items.jsonl"))
        tracker.summary({"comparison/verdict": verdict_sentence(comparison, titles)})
        tracker.plots(run_dir / "plots")
    tracker.artifacts()
    objective = _objective(cfg, run_dir, tracker)
    say(f"run directory: {shown(run_dir)}")
    if cfg.model.name_or_path == EMBEDDED and comparison and not cfg.eval.references:
        say("the embedded model shows the machinery, not quality; next, your own dialogues and a real model:")
        say("  mentalft data=local data.path=FILE model=qwen2_5_1_5b trainer=default")
    return Result(comparison, objective)


def _objective(cfg: Config, run_dir: Path, tracker: Tracker) -> float | None:
    if "train" not in cfg.stages:
        return None
    loss = float(read_json(run_dir / "training.json")["validation_loss"])
    tracker.summary({"validation/best_loss": loss})
    name, value = cfg.eval.objective, loss
    if name != VALIDATION_LOSS:
        value = float(read_json(run_dir / "objective.json")["value"])
        tracker.summary({f"validation/{name}": value})
    if not math.isfinite(value):
        raise UserError(f"the objective ({name}) is {value}; lower trainer.learning_rate")
    return value
