"""What a sweep found, as every file and the page show it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev

from mentalft.show.sweep.axes import SEED, Axis
from mentalft.show.sweep.trials import Trial

BEST, NEAR, WORSE, UNKNOWN = "chosen", "within noise", "worse", "not known"


@dataclass(frozen=True)
class Setting:
    """What was tried once, or once a seed: trials that differ in nothing but their seed."""

    values: dict[str, str]
    """By axis, the seed left out."""
    trials: tuple[Trial, ...]
    """Done ones with an objective."""
    standing: str = UNKNOWN
    """``chosen``, ``within noise`` of it, ``worse``, or ``not known``."""

    @property
    def objective(self) -> float:
        """The mean over seeds."""
        return fmean(self._objectives)

    @property
    def sd(self) -> float | None:
        """Standard deviation over seeds, with ``n - 1``; None for a single one."""
        return stdev(self._objectives) if len(self.trials) > 1 else None

    @property
    def _objectives(self) -> list[float]:
        return [trial.objective for trial in self.trials if trial.objective is not None]


@dataclass(frozen=True)
class Importance:
    """How much of the objective hangs on each axis."""

    shares: dict[str, float]
    """By the axis's key, the largest first; empty where it cannot be said."""
    how: str
    """How it was computed, or why it was not."""


@dataclass(frozen=True)
class Sweep:
    sweep_dir: Path
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
    noise: str
    """How the standings were told, in words."""
    importance: Importance
    notes: tuple[str, ...]
    """What a reader must know before comparing trials."""

    @property
    def chosen(self) -> Setting | None:
        return self.settings[0] if self.settings else None

    @property
    def varied(self) -> tuple[Axis, ...]:
        """The axes that settings differ in: all but the seed."""
        return tuple(axis for axis in self.axes if axis.key != SEED)

    @property
    def by_seeds(self) -> bool:
        """Whether a setting was tried with several seeds."""
        return any(len(setting.trials) > 1 for setting in self.settings)

    def in_state(self, *states: str) -> list[Trial]:
        return [trial for trial in self.trials if trial.state in states]
