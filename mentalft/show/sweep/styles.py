"""How settings are drawn: the chosen one, those near it, and the rest; by shape and by colour."""

from __future__ import annotations

from typing import Any

from mentalft.show.plots.style import BLUE, MUTED, PAPER, VERMILLION
from mentalft.show.sweep.result import BEST, NEAR, UNKNOWN, WORSE, Sweep
from mentalft.words import Said, told

LINES: dict[str, dict[str, Any]] = {
    BEST: {"color": VERMILLION, "linewidth": 2.2, "marker": "D", "markersize": 4, "zorder": 4},
    NEAR: {"color": BLUE, "linewidth": 1.3, "zorder": 3},
    UNKNOWN: {"color": BLUE, "linewidth": 0.9, "alpha": 0.6, "zorder": 3},
    WORSE: {"color": MUTED, "linewidth": 0.7, "alpha": 0.7, "linestyle": (0, (3, 1.5)), "zorder": 2},
}
POINTS: dict[str, dict[str, Any]] = {
    BEST: {"color": VERMILLION, "marker": "D", "markersize": 6, "zorder": 4},
    NEAR: {"color": BLUE, "marker": "o", "markersize": 4.5, "zorder": 3},
    UNKNOWN: {"color": BLUE, "marker": "o", "markersize": 4.5, "zorder": 3},
    WORSE: {"color": MUTED, "marker": "o", "markersize": 4, "markerfacecolor": PAPER, "zorder": 2},
}
LONGEST_TICK = 18
"""Characters beside an axis."""


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST_TICK else f"{text[: LONGEST_TICK - 1]}…"


def said(sweep: Sweep, key: str, **values: Any) -> str:
    """A label in the sweep's language."""
    return told(Said(f"sweep.{key}", values), sweep.language)


def objective_label(sweep: Sweep) -> str:
    return said(sweep, "axis.objective_seeds" if sweep.by_seeds else "axis.objective")


def legend(drawn: Any, sweep: Sweep, looks: dict[str, dict[str, Any]]) -> None:
    there = [standing for standing in looks if any(s.standing == standing for s in sweep.settings)]
    handles = [drawn.plot([], [], **{"linestyle": "none" if looks is POINTS else "-", **looks[s]})[0] for s in there]
    names = [said(sweep, f"standing.{standing.replace(' ', '_')}") for standing in there]
    drawn.legend(handles, names, loc="upper center", bbox_to_anchor=(0.5, -0.02 if looks is LINES else -0.24), ncols=4)
