"""The forms that an export can have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mentalft.export.proof import Loaded
from mentalft.export.record import Bounds, Cause
from mentalft.export.source import Source


@dataclass(frozen=True)
class Options:
    """What the command asks besides."""

    dtype: str
    """``float32``, ``bfloat16`` or ``float16``."""


@dataclass(frozen=True)
class Form:
    """How a folder of one form is made and loaded."""

    name: str
    make: Callable[[Source, Path, Options], None]
    """Fill an empty folder."""
    load: Callable[[Source, Path], Loaded]
    """Load it afresh: nothing is shared with what made it. Raises ModelError where it does not load."""
    causes: Callable[[Source, Path, Options], Iterator[Cause]]
    """What its files alone show to be wrong."""
    bounds: Callable[[Source, Options], Bounds]


def forms() -> dict[str, Form]:
    """By name; ``--to NAME``."""
    raise NotImplementedError
