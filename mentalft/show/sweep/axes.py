"""What varies between the trials of a sweep."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from natsort import natsorted

from mentalft.runs.sweep_files import SweepPlan, key_of
from mentalft.show.sweep.trials import Trial

SEED = "seed"
TRAIN_FRACTION = "data.train_fraction"
DEFAULT = "(default)"
"""The value of a trial that leaves the key alone."""
NOT_AN_AXIS = ("hydra.", "hydra/", "tracking.", "run_dir", "sweep_dir", "cache_dir")
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
LONGEST = 8
"""Characters of a number that is shown as it was given."""
LOGARITHMIC = 20.0
"""Positive values whose largest is so many times the smallest are drawn on a logarithmic scale."""


@dataclass(frozen=True)
class Axis:
    """One key that is set to more than one value."""

    key: str
    label: str
    """As short as it can be without naming two."""
    values: tuple[str, ...]
    """Each once; numbers by size, else in the order of their names."""
    numeric: bool
    logarithmic: bool


def axes_of(trials: Sequence[Trial], plan: SweepPlan | None) -> tuple[Axis, ...]:
    """The keys that differ between trials, or that the sweep's command gives several values, in the order given."""
    settings = [trial.values for trial in trials if trial.values]
    keys = dict.fromkeys(key for values in settings for key in values if not key.startswith(NOT_AN_AXIS))
    swept = {key_of(override) for override in (plan.overrides if plan else ())}
    chosen = [key for key in keys if key in swept or len({values.get(key) for values in settings}) > 1]
    return tuple(_axis(key, _label(key, chosen), {values.get(key, DEFAULT) for values in settings}) for key in chosen)


def number(value: str) -> float | None:
    """The number that ``value`` is; None for text, and for ``nan`` and ``inf``."""
    found = float(value) if NUMBER.fullmatch(value) else math.inf
    return found if math.isfinite(found) else None


def shown(value: str) -> str:
    """``value`` as it is read: a number with a long tail is cut to four digits."""
    found = number(value)
    return value if found is None or len(value) <= LONGEST else f"{found:.4g}"


def _axis(key: str, label: str, values: set[str]) -> Axis:
    by_value = {value: found for value in values if (found := number(value)) is not None}
    if len(by_value) < len(values):
        return Axis(key, label, tuple(natsorted(values)), numeric=False, logarithmic=False)
    ordered = sorted(by_value, key=lambda value: by_value[value])
    low, high = by_value[ordered[0]], by_value[ordered[-1]]
    return Axis(key, label, tuple(ordered), numeric=True, logarithmic=low > 0 and high / low >= LOGARITHMIC)


def _label(key: str, keys: Sequence[str]) -> str:
    short = key.rpartition(".")[2]
    return short if sum(other.rpartition(".")[2] == short for other in keys) == 1 else key
