"""What a sweep found, as every file and the page show it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Literal

from natsort import natsorted

from mentalft.runs.sweep_files import SweepPlan, key_of
from mentalft.show.sweep.trials import Trial
from mentalft.words import Said, told

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

Standing = Literal["chosen", "within noise", "worse", "not known"]
BEST: Standing = "chosen"
NEAR: Standing = "within noise"
WORSE: Standing = "worse"
UNKNOWN: Standing = "not known"


@dataclass(frozen=True)
class Axis:
    """One key that is set to more than one value."""

    key: str
    label: str
    """As short as it can be without naming two."""
    values: tuple[str, ...]
    """Each once; numbers by size, else in the order of their names."""
    numeric: bool

    @property
    def logarithmic(self) -> bool:
        low, high = ((number(value) or 0.0) if self.numeric else 0.0 for value in (self.values[0], self.values[-1]))
        return low > 0 and high / low >= LOGARITHMIC


def axes_of(trials: Sequence[Trial], swept: Sequence[str]) -> tuple[Axis, ...]:
    """The keys that differ between trials, or that ``swept``, the overrides with several values, names; in the order
    given."""
    settings = [trial.values for trial in trials if trial.values]
    keys = dict.fromkeys(key for values in settings for key in values if not key.startswith(NOT_AN_AXIS))
    named = set(map(key_of, swept))
    chosen = [key for key in keys if key in named or len({values.get(key) for values in settings}) > 1]
    ends = [key.rpartition(".")[2] for key in chosen]
    labels = [end if ends.count(end) == 1 else key for key, end in zip(chosen, ends, strict=True)]
    return tuple(
        _axis(key, label, {values.get(key, DEFAULT) for values in settings})
        for key, label in zip(chosen, labels, strict=True)
    )


def _axis(key: str, label: str, values: set[str]) -> Axis:
    if any(number(value) is None for value in values):
        return Axis(key, label, tuple(natsorted(values)), numeric=False)
    return Axis(key, label, tuple(sorted(values, key=float)), numeric=True)


def number(value: str) -> float | None:
    """The number that ``value`` is; None for text, and for ``nan`` and ``inf``."""
    found = float(value) if NUMBER.fullmatch(value) else math.inf
    return found if math.isfinite(found) else None


def shown(value: str) -> str:
    """``value`` as it is read: a number with a long tail is cut to four digits."""
    found = number(value)
    return value if found is None or len(value) <= LONGEST else f"{found:.4g}"


@dataclass(frozen=True)
class Setting:
    """What was tried once, or once a seed: trials that differ in nothing but their seed."""

    values: dict[str, str]
    """By axis, the seed left out."""
    trials: tuple[Trial, ...]
    """Done ones with an objective."""
    standing: Standing = UNKNOWN

    @property
    def objective(self) -> float:
        """The mean over seeds."""
        return fmean(self.objectives)

    @property
    def sd(self) -> float | None:
        """Standard deviation over seeds, with ``n - 1``; None for a single one."""
        return stdev(self.objectives) if len(self.trials) > 1 else None

    @property
    def objectives(self) -> list[float]:
        return [t.status.objective for t in self.trials if t.status.objective is not None]

    @property
    def record(self) -> dict[str, Any]:
        """For programs."""
        figures = {"objective": self.objective, "sd": self.sd, "standing": self.standing}
        return {"values": self.values, **figures, "trials": [trial.name for trial in self.trials]}


@dataclass(frozen=True)
class Importance:
    """How much of the objective hangs on each axis."""

    shares: dict[str, float]
    """By the axis's key, the largest first; empty where it cannot be said."""
    how: Said
    """How it was computed, or why it was not."""


@dataclass(frozen=True)
class Sweep:
    sweep_dir: Path
    plan: SweepPlan
    """What the command asked; little of it is known where no plan can be read."""
    objective_name: str
    maximize: bool
    axes: tuple[Axis, ...]
    """The seed among them, where it is one."""
    trials: tuple[Trial, ...]
    """All of them, in the order of their directories."""
    settings: tuple[Setting, ...]
    """The best first; those that have an objective."""
    base_objective: float | None
    """Before any training, where that is one figure for all trials."""
    base_scores: dict[str, float]
    """Of the base on the test dialogues, by metric, where all trials agree."""
    noise: Said
    """How the standings were told."""
    importance: Importance
    notes: tuple[Said, ...]
    """What a reader must know before comparing trials."""

    @property
    def chosen(self) -> Setting | None:
        return self.settings[0] if self.settings else None

    @property
    def looked_at(self) -> list[Trial]:
        """Those that have an objective, the best setting's first."""
        return [trial for setting in self.settings for trial in setting.trials]

    @property
    def unrated(self) -> list[Trial]:
        """Those that have none: running, failed, or done without one."""
        rated = {trial.name for trial in self.looked_at}
        return [trial for trial in self.trials if trial.name not in rated]

    @property
    def varied(self) -> tuple[Axis, ...]:
        """The axes that settings differ in: all but the seed."""
        return tuple(axis for axis in self.axes if axis.key != SEED)

    @property
    def by_seeds(self) -> bool:
        """Whether a setting was tried with several seeds."""
        return any(len(setting.trials) > 1 for setting in self.settings)

    def in_state(self, *states: str) -> list[Trial]:
        return [trial for trial in self.trials if trial.status.state in states]

    def told(self, said: Said | str) -> str:
        """``said`` in the sweep's language."""
        return told(said, self.plan.language)

    def said(self, key: str, **values: Any) -> str:
        """A sentence of the sweep's own part of the catalogue."""
        return self.told(Said(f"sweep.{key}", values))
