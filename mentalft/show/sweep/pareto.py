"""Which trials are not beaten on quality and cost at once."""

from __future__ import annotations

from collections.abc import Sequence


def front(costs: Sequence[float], objectives: Sequence[float], *, maximize: bool) -> list[int]:
    """Positions of the Pareto front, the cheapest first: nothing is as cheap and better, or as good and cheaper."""
    sign = -1.0 if maximize else 1.0
    best, found = float("inf"), []
    for place in sorted(range(len(costs)), key=lambda i: (costs[i], sign * objectives[i])):
        if sign * objectives[place] < best:
            best = sign * objectives[place]
            found.append(place)
    return found
