"""Whether what a model is asked was in what it learned from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mentalft.data.split.fingerprints import U64, Keys, keys_of
from mentalft.records import Dialogue, Overlap


def overlap(asked: Sequence[Dialogue], train: Keys) -> Overlap:
    """How many of ``asked`` open like a training dialogue or are near duplicates of one.

    Args:
        asked: questions with their answers, as dialogues.
        train: keys of the training dialogues.
    """
    hits = shared(asked, train).near.tolist()
    found = [d.id for d, hit in zip(asked, hits, strict=True) if hit]
    return Overlap(len(asked), len(found), len(found) / max(1, len(asked)), tuple(found[:10]))


class Shared(NamedTuple):
    """Which dialogues are in the training data; (dialogues,)."""

    exact: NDArray[np.bool_]
    near: NDArray[np.bool_]
    """With the same opening, or as near duplicates, exact ones among them."""


def shared(asked: Sequence[Dialogue], train: Keys) -> Shared:
    keys = keys_of(asked)
    exact = _in(keys.content, train.content)
    near = exact | _in(keys.opening, train.opening)
    for band in range(keys.bands.shape[1]):
        near |= _in(keys.bands[:, band], train.bands[:, band])
    return Shared(exact, near)


def _in(few: U64, many: U64) -> NDArray[np.bool_]:
    """Which of ``few`` are in ``many``; the many are looked at once, by their first 16 bits; (few,)."""
    possible = np.zeros(1 << 16, dtype=bool)
    possible[few >> np.uint64(48)] = True
    return np.isin(few, many[possible[many >> np.uint64(48)]])
