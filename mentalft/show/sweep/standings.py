"""Which settings cannot be told from the best: those not shown to be worse than it (docs/decisions/016-sweeps.md).

Either way the settings left make up a set that holds the truly best one with 95 % confidence: it is missing only if
some comparison wrongly finds it worse, and the comparisons are corrected for their number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import sqrt
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mentalft.errors import DataError
from mentalft.records import WORSE as SHOWN_WORSE
from mentalft.comparison.scores import ScoreSheet, read_scores
from mentalft.show.sweep.result import BEST, NEAR, UNKNOWN, WORSE, Setting
from mentalft.statistics import FEW_DIALOGUES, Measured, Settings, compare_all

CONFIDENCE = 0.95
RESAMPLES = 10_000
SEED = 0
BY_SEEDS = (
    "A setting is within noise of the chosen one where its mean objective is not shown to be worse: a one-sided t-test "
    "on the scatter between seeds, taken to be the same in all settings ({degrees} degrees of freedom), at 5 % for all "
    "comparisons together (Bonferroni). With few seeds only large differences show."
)
BY_ITEMS = (
    "A trial is within noise of the chosen one where it is not shown to be worse on the same {items} test items from "
    "{dialogues} dialogues: {what}, paired, dialogues swapped and resampled, p corrected by Holm over all trials. "
    "It says what other dialogues might change; what another seed would change is not in it. These comparisons chose "
    "nothing."
)
FEW_DEGREES = 3
"""Degrees of freedom; with fewer the scatter between seeds is hardly known."""
FEW_SEEDS = (
    " With so few seeds hardly anything can be shown to be worse, so whether the others are within noise is not known; "
    "add seeds."
)
FEW = (
    " With only {dialogues} dialogues hardly anything can be shown to be worse, so whether the others are within noise "
    "is not known."
)
FEW_BUT_SHOWN = " There are only {dialogues} dialogues: what they show has yet to be shown on others."
NO_RIVAL = "There is one setting, and nothing to tell it from."
NOTHING = (
    "Which trials are within noise of the chosen one is not known: no setting was tried with several seeds, and "
    "no score of single test items goes with this objective. Try the best ones again with seed=1,2,3."
)


class Told(NamedTuple):
    settings: tuple[Setting, ...]
    """With their standings."""
    how: str


def tell_apart(settings: Sequence[Setting], sweep_dir: Path, *, objective_name: str, maximize: bool) -> Told:
    """Give every setting its standing; the first is the best."""
    if not settings:
        return Told((), NO_RIVAL)
    best, *others = settings
    if not others:
        return Told((replace(best, standing=BEST),), NO_RIVAL)
    if sum(len(s.trials) - 1 for s in settings):
        worse, how = _by_seeds(settings, maximize=maximize)
    else:
        worse, how = _by_items(settings, sweep_dir, objective_name)
    standings = {True: WORSE, False: NEAR, None: UNKNOWN}
    rivals = [replace(s, standing=standings[found]) for s, found in zip(others, worse, strict=True)]
    return Told((replace(best, standing=BEST), *rivals), how)


def _by_seeds(settings: Sequence[Setting], *, maximize: bool) -> tuple[list[bool | None], str]:
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
    how = BY_SEEDS.format(degrees=degrees)
    if degrees >= FEW_DEGREES or all(worse):
        return list(worse), how
    return [found or None for found in worse], how + FEW_SEEDS


def _by_items(settings: Sequence[Setting], sweep_dir: Path, objective_name: str) -> tuple[list[bool | None], str]:
    metric = metric_of(objective_name)
    best, *others = (_sheet(sweep_dir / s.trials[0].name, metric) for s in settings)
    if best is None:
        return [None for _ in others], NOTHING
    alike = {place: sheet for place, sheet in enumerate(others) if sheet is not None and _same_items(best, sheet)}
    if not alike:
        return [None for _ in others], NOTHING
    higher = settings[0].trials[0].comparison
    verdicts = _verdicts(
        best, alike, metric, higher_is_better=bool(higher and _higher_is_better(higher.metrics, metric))
    )
    what = "the loss on the references" if metric == "perplexity" else f"the mean {metric}"
    dialogues = len(set(best.dialogues))
    how = BY_ITEMS.format(items=len(best.ids), dialogues=dialogues, what=what)
    few = dialogues < FEW_DIALOGUES
    not_shown = None if few else False
    found = {place: verdict == SHOWN_WORSE or not_shown for place, verdict in verdicts.items()}
    if few:
        how += (FEW_BUT_SHOWN if all(found.values()) else FEW).format(dialogues=dialogues)
    return [found.get(place) for place in range(len(others))], how


def metric_of(objective_name: str) -> str:
    """The metric in ``scores.jsonl`` that measures on test items what the objective measures on validation."""
    return "perplexity" if objective_name == "validation_loss" else objective_name.removeprefix("validation/")


def _verdicts(
    best: ScoreSheet, others: Mapping[int, ScoreSheet], metric: str, *, higher_is_better: bool
) -> dict[int, str]:
    measured = {
        str(place): Measured(
            metric, best.parts["tuned"][metric][None], sheet.parts["tuned"][metric][None], mean, higher_is_better,
            about_answers=False,
        )
        for place, sheet in others.items()
    }  # fmt: skip
    no_lengths = np.zeros((1, len(best.ids)))
    found = compare_all(measured, best.dialogues, no_lengths, Settings(RESAMPLES, CONFIDENCE, SEED))
    return {int(m.metric): m.verdict for m in found}


def mean(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """What is added up over what it is divided by: a mean score, or the loss of a token. (…, 2) in, (…) out."""
    return np.divide(sums[..., 0], sums[..., 1], out=np.zeros_like(sums[..., 0]), where=sums[..., 1] > 0)


def _higher_is_better(metrics: Sequence[object], metric: str) -> bool:
    return any(getattr(m, "metric", None) == metric and getattr(m, "higher_is_better", False) for m in metrics)


def _sheet(run_dir: Path, metric: str) -> ScoreSheet | None:
    """The run's scores, if they hold ``metric`` as a sum and what it is divided by."""
    try:
        sheet = read_scores(run_dir / "scores.jsonl")
    except (OSError, DataError):
        return None
    parts = sheet.parts["tuned"].get(metric)
    return sheet if parts is not None and parts.shape[1:] == (2,) and len(set(sheet.dialogues)) > 1 else None


def _same_items(one: ScoreSheet, other: ScoreSheet) -> bool:
    return (one.ids, one.digests) == (other.ids, other.digests)
