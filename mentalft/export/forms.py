"""The forms that an export can have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from mentalft.export.proof import Kept, Loaded, bounds_of
from mentalft.export.record import Bounds, Cause, Weights
from mentalft.export.source import Source


class NoProofError(Exception):
    """An export of this form cannot be asked here; the message says what is missing."""


class Inspected(NamedTuple):
    """What the files of an export show by themselves."""

    causes: tuple[Cause, ...]
    dtype: str
    """Of its weights, the coarsest."""
    weights: Weights | None = None


@dataclass(frozen=True)
class Form:
    """How a folder of one form is made, loaded and looked at."""

    make: Callable[[Source, Path, str], None]
    """Fill an empty folder, with weights of the dtype given."""
    load: Callable[[Source, Path], Loaded]
    """Load it afresh: nothing is shared with what made it. Raises ModelError where it does not load,
    NoProofError where it cannot be asked here; it is then exported without a proof."""
    inspect: Callable[[Source, Path, str], Inspected]
    """Look at its files; the dtype is what its weights are to be in."""
    holds: Callable[[Path], bool]
    """Whether a folder that somebody else made is of this form."""
    bounds: Callable[[Sequence[Kept], str, str], Bounds] = bounds_of
    """What the proof accepts of weights evaluated in one dtype and exported in another."""
    check: Callable[[Source, str], None] = lambda *_: None
    """Raise UserError, before anything is asked, where it cannot be made here in that dtype."""


def forms() -> dict[str, Form]:
    """By name, as ``--to NAME`` has it."""
    from mentalft.export.adapter import ADAPTER
    from mentalft.export.gguf import GGUF
    from mentalft.export.merged import MERGED
    from mentalft.export.ollama import OLLAMA

    return {"merged": MERGED, "adapter": ADAPTER, "gguf": GGUF, "ollama": OLLAMA}
