"""Figures as people read them."""

from __future__ import annotations

import math
from typing import NamedTuple

from mentalft.records import Interval


def plain(value: float) -> str:
    """At most six characters: four places below 10, fewer above."""
    return f"{value:.{_places(value)}f}"


def signed(value: float) -> str:
    """A difference: like :func:`plain`, with its sign."""
    return f"{value:+.{_places(value)}f}"


def spread(interval: Interval) -> str:
    places = min(_places(interval.low), _places(interval.high))
    return f"{interval.low:+.{places}f} … {interval.high:+.{places}f}"


class Brief(NamedTuple):
    difference: str
    interval: str


def brief(difference: float, interval: Interval) -> Brief:
    """A difference and its interval as a sentence has them: as exact as two figures of the interval's width."""
    width = interval.high - interval.low
    places = min(max(1 - math.floor(math.log10(width)), 0), 6) if width > 0 else 4
    return Brief(f"{difference:+.{places}f}", f"{interval.low:+.{places}f} … {interval.high:+.{places}f}")


def probability(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _places(value: float) -> int:
    size = abs(value)
    return 4 if size < 9.99995 else 3 if size < 99.9995 else 2 if size < 999.995 else 1 if size < 9999.95 else 0
