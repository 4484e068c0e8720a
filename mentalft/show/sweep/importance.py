"""How much of the objective hangs on each axis of a sweep."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from typing import Any

from mentalft.show.sweep.result import Axis, Importance, Setting, number
from mentalft.words import Said

ENOUGH_FOR_FOREST = 12
ENOUGH_FOR_RANKS = 5
FOREST, RANKS = "sweep.importance.forest", "sweep.importance.ranks"


def importance_of(settings: Sequence[Setting], axes: Sequence[Axis], *, maximize: bool) -> Importance:
    """fANOVA where there are enough settings, rank correlation where there are a few, else why there is neither."""
    noun = "settings" if any(len(s.trials) > 1 for s in settings) else "trials"
    what = Said(f"sweep.{noun}", {"count": len(settings)})
    if len(axes) < 2:
        return Importance({}, Said("sweep.importance.one_axis"))
    if len(settings) < ENOUGH_FOR_RANKS:
        return Importance({}, Said("sweep.importance.few", {"what": what, "enough": ENOUGH_FOR_RANKS}))
    if len({setting.objective for setting in settings}) == 1:
        return Importance({}, Said("sweep.importance.same"))
    if len(settings) >= ENOUGH_FOR_FOREST:
        return Importance(_forest(settings, axes, maximize=maximize), Said(FOREST, {"what": what}))
    shares = _ranks(settings, axes)
    left_out = [axis.label for axis in axes if axis.key not in shares]
    without = Said("sweep.importance.without", {"axes": left_out}) if left_out else ""
    return Importance(shares, Said(RANKS, {"what": what, "without": without, "enough": ENOUGH_FOR_FOREST}))


def _forest(settings: Sequence[Setting], axes: Sequence[Axis], *, maximize: bool) -> dict[str, float]:
    import optuna
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    logging.getLogger("optuna").setLevel(logging.WARNING)
    space = {axis.key: _distribution(axis) for axis in axes}
    study = optuna.create_study(direction="maximize" if maximize else "minimize")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # constant axes, experimental classes
        for setting in settings:
            params = {axis.key: _value(axis, setting.values[axis.key]) for axis in axes}
            study.add_trial(optuna.trial.create_trial(params=params, distributions=space, value=setting.objective))
        found = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
    return {key: float(share) for key, share in sorted(found.items(), key=lambda pair: -pair[1])}


def _distribution(axis: Axis) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if not axis.numeric:
        return CategoricalDistribution(axis.values)
    return FloatDistribution(_value(axis, axis.values[0]), _value(axis, axis.values[-1]), log=axis.logarithmic)


def _value(axis: Axis, value: str) -> Any:
    return number(value) if axis.numeric else value


def _ranks(settings: Sequence[Setting], axes: Sequence[Axis]) -> dict[str, float]:
    from scipy.stats import spearmanr

    objectives = [setting.objective for setting in settings]
    found = {}
    for axis in axes:
        values = [number(setting.values[axis.key]) for setting in settings]
        if axis.numeric and len(set(values)) > 1:
            found[axis.key] = abs(float(spearmanr(values, objectives).statistic))
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))
