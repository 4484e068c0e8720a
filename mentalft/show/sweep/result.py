"""What a sweep found, as every file and the page show it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Literal

from mentalft.show.sweep.axes import SEED, Axis
from mentalft.show.sweep.trials import Trial
from mentalft.words import Language, Said

Standing = Literal["chosen", "within noise", "worse", "not known"]
BEST: Standing = "chosen"
NEAR: Standing = "within noise"
WORSE: Standing = "worse"
UNKNOWN: Standing = "not known"


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
    language: Language
    sweeper: str | None
    launcher: str | None
    started: str | None
    command: tuple[str, ...]
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
    def varied(self) -> tuple[Axis, ...]:
        """The axes that settings differ in: all but the seed."""
        return tuple(axis for axis in self.axes if axis.key != SEED)

    @property
    def by_seeds(self) -> bool:
        """Whether a setting was tried with several seeds."""
        return any(len(setting.trials) > 1 for setting in self.settings)

    def in_state(self, *states: str) -> list[Trial]:
        return [trial for trial in self.trials if trial.status.state in states]
