"""The small drawings in the report's tables, as positions in a box; the template draws them as SVG without styles."""

from __future__ import annotations

from typing import NamedTuple

from mentalft.records import BETTER, UNDECIDED, WORSE, Group, Interval, MetricComparison

VERDICT_KEYS = {BETTER: "better", WORSE: "worse", UNDECIDED: "undecided"}
HALF = 100.0
"""Units from the line of no difference to either side of the box."""
MARGIN = 0.94
"""Share of the half that the farthest value takes."""


class Strip(NamedTuple):
    """A difference and its interval, in units right of the line of no difference; right is better."""

    low: float
    at: float
    high: float
    kind: str
    """``better``, ``worse`` or ``undecided``."""


class Shares(NamedTuple):
    """Wins, ties and losses in per cent."""

    wins: float
    ties: float
    losses: float


def strip(m: MetricComparison) -> Strip:
    """The difference of a metric on a scale of its own."""
    return _strip(m.interval, m.difference, _extent(m.interval, m.difference), m, VERDICT_KEYS[m.verdict])


def group_strips(m: MetricComparison, groups: tuple[Group, ...]) -> list[Strip | None]:
    """The differences of a metric by group, on one scale; None where a group has no interval."""
    extent = max((_extent(g.interval, g.difference) for g in groups if g.interval), default=0.0)
    return [_strip(g.interval, g.difference, extent, m, group_kind(m, g)) if g.interval else None for g in groups]


def group_kind(m: MetricComparison, group: Group) -> str:
    """Which side the interval of a group is on, without any correction."""
    if group.interval is None or group.interval.low <= 0 <= group.interval.high:
        return "undecided"
    return "better" if (group.interval.low > 0) == m.higher_is_better else "worse"


def shares(m: MetricComparison) -> Shares:
    total = max(m.wins + m.ties + m.losses, 1)
    return Shares(*(round(100 * n / total, 2) for n in (m.wins, m.ties, m.losses)))


def _extent(interval: Interval, difference: float) -> float:
    return max(abs(interval.low), abs(interval.high), abs(difference))


def _strip(interval: Interval, difference: float, extent: float, m: MetricComparison, kind: str) -> Strip:
    unit = (HALF * MARGIN / extent if extent else 0.0) * (1 if m.higher_is_better else -1)
    low, high = sorted((interval.low * unit, interval.high * unit))
    return Strip(round(low, 1), round(difference * unit, 1), round(high, 1), kind)
