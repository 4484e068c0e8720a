"""The bounds of a number in the configuration."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from omegaconf import MISSING


def number(
    *, ge: float | None = None, gt: float | None = None, le: float | None = None, lt: float | None = None
) -> Any:
    """A field whose value must respect the given bounds; its value comes from YAML."""
    bounds = {"at least": ge, "above": gt, "at most": le, "below": lt}
    return field(default=MISSING, metadata={k: v for k, v in bounds.items() if v is not None})
