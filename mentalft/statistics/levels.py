"""Quantiles of whole numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)


def quantiles(values: Any) -> dict[str, int]:
    """Quantiles of whole numbers by their level; each is one of ``values``, the highest the maximum; {} of nothing."""
    if not len(values):
        return {}
    return {f"{q:g}": int(v) for q, v in zip(QUANTILES, np.quantile(values, QUANTILES, method="lower"), strict=True)}
