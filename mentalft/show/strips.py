"""The small drawings in the tables of a page: positions in a box, drawn as SVG without styles."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mentalft.records import (
    BETTER,
    DIAGNOSTIC,
    UNDECIDED,
    WITHHELD,
    WORSE,
    Difference,
    Group,
    Interval,
    MetricResult,
    Verdict,
)

if TYPE_CHECKING:
    from markupsafe import Markup

HALF = 100.0
"""Units from the line of no difference to either side of the box."""
MARGIN = 0.94
"""Share of the half that the farthest value takes."""


class Strip(NamedTuple):
    """A difference and its interval, in units right of the line of no difference; right is better."""

    low: float
    at: float
    high: float
    kind: Verdict


class Shares(NamedTuple):
    """Wins, ties and losses in per cent."""

    wins: float
    ties: float
    losses: float


def strip(m: MetricResult, d: Difference) -> Strip:
    """The difference of a metric on a scale of its own."""
    return _strip(d.interval, d.difference, _extent(d.interval, d.difference), m, d.verdict)


def group_strips(m: MetricResult, d: Difference, groups: tuple[Group, ...]) -> list[Strip | None]:
    """The differences of a metric by group, on one scale; None where a group has no interval."""
    extent = max((_extent(g.interval, g.difference) for g in groups if g.interval), default=0.0)
    return [_strip(g.interval, g.difference, extent, m, group_kind(m, d, g)) if g.interval else None for g in groups]


def group_kind(m: MetricResult, d: Difference, group: Group) -> Verdict:
    """Which side the interval of a group is on, without any correction; nothing where the whole has no verdict."""
    if d.verdict in (WITHHELD, DIAGNOSTIC):
        return d.verdict
    if group.interval is None or group.interval.low <= 0 <= group.interval.high:
        return UNDECIDED
    return BETTER if (group.interval.low > 0) == m.higher_is_better else WORSE


def shares(d: Difference) -> Shares:
    total = max(d.wins + d.ties + d.losses, 1)
    return Shares(*(round(100 * n / total, 2) for n in (d.wins, d.ties, d.losses)))


def drawn_strip(s: Strip, label: str) -> Markup:
    """Right of the middle line is better."""
    from markupsafe import Markup

    return Markup(
        '<svg class="strip {}" viewBox="-100 0 200 16" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<line class="zero" x1="0" x2="0" y1="0" y2="16"/>'
        '<rect class="span" x="{}" y="5.5" width="{}" height="5"/>'
        '<rect class="point" x="{}" y="1.5" width="3" height="13"/></svg>'
    ).format(s.kind, label, s.low, round(max(s.high - s.low, 1), 1), round(s.at - 1.5, 1))


def drawn_shares(d: Difference) -> Markup:
    """Wins, ties and losses side by side."""
    from markupsafe import Markup

    wins, ties, losses = shares(d)
    return Markup(
        '<svg class="shares" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="better" x="0" y="0" width="{}" height="4"/>'
        '<rect class="undecided" x="{}" y="0" width="{}" height="4"/>'
        '<rect class="worse" x="{}" y="0" width="{}" height="4"/></svg>'
    ).format(wins, wins, ties, round(wins + ties, 2), losses)


def _extent(interval: Interval, difference: float) -> float:
    return max(abs(interval.low), abs(interval.high), abs(difference))


def _strip(interval: Interval, difference: float, extent: float, m: MetricResult, kind: Verdict) -> Strip:
    unit = (HALF * MARGIN / extent if extent else 0.0) * (1 if m.higher_is_better else -1)
    low, high = sorted((interval.low * unit, interval.high * unit))
    return Strip(round(low, 1), round(difference * unit, 1), round(high, 1), kind)
