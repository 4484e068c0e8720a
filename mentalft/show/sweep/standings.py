"""The order of a sweep's settings, and which cannot be told from the best: those not shown to be worse than it
(docs/decisions/016-sweeps.md).

Either way the settings left make up a set that holds the truly best one with 95 % confidence: it is missing only if
some comparison wrongly finds it worse, and the comparisons are corrected for their number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import sqrt
from pathlib import Path

import numpy as np

from mentalft.comparison.scores import ScoreSheet, read_scores
from mentalft.errors import DataError
from mentalft.metrics.registry import mean
from mentalft.records import WORSE as SHOWN_WORSE
from mentalft.show.sweep.result import BEST, DEFAULT, NEAR, UNKNOWN, WORSE, Axis, Setting
from mentalft.show.sweep.result import SEED as SEED_KEY
from mentalft.show.sweep.trials import Trial
from mentalft.statistics import FEW_DIALOGUES, Measured, Settings, compare_all
from mentalft.words import Said

CONFIDENCE = 0.95
RESAMPLES = 10_000
SEED = 0
TRAINED = "tuned"
"""The contender that a trial trains, which its objective is of."""
FEW_DEGREES = 3
"""Degrees of freedom; with fewer the scatter between seeds is hardly known."""


def in_order(rated: Sequence[Trial], axes: Sequence[Axis], *, maximize: bool) -> list[Setting]:
    """The best first; trials that differ in their seed alone are one setting, where the seed is an axis."""
    keys = [axis.key for axis in axes if axis.key != SEED_KEY]
    together: dict[tuple[str, ...], list[Trial]] = {}
    for trial in rated:
        values = [trial.values.get(key, DEFAULT) for key in keys]
        apart = [] if len(keys) < len(axes) else [trial.name]
        together.setdefault((*values, *apart), []).append(trial)
    found = [Setting(dict(zip(keys, values, strict=False)), tuple(trials)) for values, trials in together.items()]
    return sorted(found, key=lambda s: -s.objective if maximize else s.objective)


def tell_apart(
    settings: Sequence[Setting], sweep_dir: Path, objective_name: str, *, maximize: bool
) -> tuple[tuple[Setting, ...], Said]:
    """The settings, of which the first is the best, with their standings; and how those were told."""
    if len(settings) < 2:
        return tuple(replace(s, standing=BEST) for s in settings), Said("sweep.noise.no_rival")
    if any(len(s.trials) > 1 for s in settings):
        worse, how = _by_seeds(settings, maximize=maximize)
    else:
        worse, how = _by_items(settings, sweep_dir, objective_name)
    standings = (BEST, *({True: WORSE, False: NEAR, None: UNKNOWN}[found] for found in worse))
    return tuple(replace(s, standing=standing) for s, standing in zip(settings, standings, strict=True)), how


def _by_seeds(settings: Sequence[Setting], *, maximize: bool) -> tuple[list[bool | None], Said]:
    """Subset selection (Gupta 1965, doi 10.1080/00401706.1965.10490251) with Bonferroni's bound for his constant.

    Unequal numbers of seeds are allowed for; settings that share seeds are as if they did not, which errs on the side
    of calling too many near.
    """
    from scipy.special import stdtrit

    best, *others = settings
    degrees = sum(len(s.trials) - 1 for s in settings)
    variance = sum((len(s.trials) - 1) * s.sd**2 for s in settings if s.sd is not None) / degrees
    reach = float(stdtrit(degrees, 1 - (1 - CONFIDENCE) / len(others)))
    sign = 1 if maximize else -1
    worse = [
        sign * (best.objective - s.objective) > reach * sqrt(variance * (1 / len(s.trials) + 1 / len(best.trials)))
        for s in others
    ]
    few = degrees < FEW_DEGREES and not all(worse)
    how = Said("sweep.noise.few_seeds" if few else "sweep.noise.seeds", {"degrees": degrees})
    return [found or None if few else found for found in worse], how


def _by_items(settings: Sequence[Setting], sweep_dir: Path, objective_name: str) -> tuple[list[bool | None], Said]:
    metric = metric_of(objective_name)
    best, *others = (_sheet(sweep_dir / s.trials[0].name, metric) for s in settings)
    alike = {
        place: sheet
        for place, sheet in enumerate(others)
        if best and sheet and (best.ids, best.digests) == (sheet.ids, sheet.digests)
    }
    if not best or not alike:
        return [None for _ in others], Said("sweep.noise.not_known")
    measured = settings[0].trials[0].metrics.get(metric)
    verdicts = _verdicts(best, alike, metric, higher_is_better=measured is not None and measured.higher_is_better)
    what = Said("sweep.noise.loss") if metric == "perplexity" else Said("sweep.noise.mean", {"metric": metric})
    dialogues = len(set(best.dialogues))
    few = dialogues < FEW_DIALOGUES
    found = {place: verdict == SHOWN_WORSE or (None if few else False) for place, verdict in verdicts.items()}
    key = "items" if not few else "few_but_shown" if all(found.values()) else "few_items"
    how = Said(f"sweep.noise.{key}", {"items": len(best.ids), "dialogues": dialogues, "what": what})
    return [found.get(place) for place in range(len(others))], how


def metric_of(objective_name: str) -> str:
    """The metric in ``scores.jsonl`` that measures on test items what the objective measures on validation."""
    return "perplexity" if objective_name == "validation_loss" else objective_name.removeprefix("validation/")


def _verdicts(
    best: ScoreSheet, others: Mapping[int, ScoreSheet], metric: str, *, higher_is_better: bool
) -> dict[int, str]:
    sheets = {"best": best, **{str(place): sheet for place, sheet in others.items()}}
    parts = {name: sheet.parts[TRAINED][metric][None] for name, sheet in sheets.items()}
    # what is added up over what it is divided by: a mean score, or the loss of a token
    measured = {metric: Measured(metric, metric, parts, mean, higher_is_better, of_answer=False)}
    no_lengths = {name: np.zeros((1, len(best.ids))) for name in parts if name != "best"}
    (found,) = compare_all(measured, "best", best.dialogues, no_lengths, Settings(RESAMPLES, CONFIDENCE, SEED))
    return {int(place): d.verdict for place, d in found.differences.items()}


def _sheet(run_dir: Path, metric: str) -> ScoreSheet | None:
    """The run's scores, if they hold ``metric`` as a sum and what it is divided by."""
    try:
        sheet = read_scores(run_dir)
    except (OSError, DataError):
        return None
    parts = sheet.parts.get(TRAINED, {}).get(metric)
    return sheet if parts is not None and parts.shape[1:] == (2,) and len(set(sheet.dialogues)) > 1 else None
