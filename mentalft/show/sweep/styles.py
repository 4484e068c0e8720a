"""How settings are drawn: the chosen one, those near it, and the rest; by shape and by colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mentalft.show.plots.style import BLUE, MUTED, PAPER, VERMILLION
from mentalft.show.sweep.result import BEST, NEAR, UNKNOWN, WORSE, Setting

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


def legend(drawn: Any, settings: Sequence[Setting], looks: dict[str, dict[str, Any]]) -> None:
    there = [standing for standing in looks if any(s.standing == standing for s in settings)]
    handles = [drawn.plot([], [], **{"linestyle": "none" if looks is POINTS else "-", **looks[s]})[0] for s in there]
    drawn.legend(handles, there, loc="upper center", bbox_to_anchor=(0.5, -0.02 if looks is LINES else -0.24), ncols=4)
