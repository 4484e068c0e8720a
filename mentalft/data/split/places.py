"""Which dialogue goes to training, validation or test: whole groups, so that nothing is in two of them.

A dialogue's split is drawn by its opening and the seed alone. Dialogues that share an opening, or are near duplicates,
go where the first of them in the input went. So a dialogue keeps its split when others are added after it, and one that
has no group keeps it whatever is added anywhere. A dialogue that is a near duplicate of two that went different ways
cannot be placed without a leak and is set aside. Shares by topic are those of the whole up to chance: an exact share by
topic cannot be had together with a split that stays (``docs/decisions/007-splits.md``).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from mentalft.data.split.fingerprints import U64, Keys, hashed, mixed
from mentalft.records import Splits

SPLITS = Splits._fields
DUPLICATE, CONFLICT, UNUSED = 3, 4, 5
"""Places beyond the splits: an exact copy of an earlier dialogue; a near copy of two that are in different splits; a
training dialogue beyond the fraction that is used."""
Places = NDArray[np.uint8]


def drawn(opening: U64, validation_fraction: float, test_fraction: float, seed: int) -> Places:
    """The split that each opening draws, as a position in :data:`SPLITS`; (openings,).

    Args:
        validation_fraction, test_fraction: shares between 0 and 1, summing to less than 1.
    """
    with np.errstate(over="ignore"):
        position = (mixed(opening ^ np.uint64(hashed(f"split {seed}"))) >> np.uint64(11)) * 2.0**-53
    places = np.zeros(len(opening), dtype=np.uint8)
    places[position < test_fraction + validation_fraction] = 1
    places[position < test_fraction] = 2
    return places


def placed(keys: Keys, validation_fraction: float, test_fraction: float, seed: int) -> Places:
    """Where each dialogue goes: a split, or :data:`DUPLICATE`, or :data:`CONFLICT`; (dialogues,)."""
    places = drawn(keys.opening, validation_fraction, test_fraction, seed)
    copies = later_copies(keys.content)
    groups = np.full((len(places), 1 + keys.bands.shape[1]), -1, dtype=np.int32)  # -1 where a dialogue is alone
    columns = [keys.opening, *keys.bands.T]

    def fill(column: int) -> None:
        groups[:, column] = _groups(columns[column], ~copies)

    with ThreadPoolExecutor(2) as pool:  # sorting lets other threads run
        list(pool.map(fill, range(len(columns))))
    went = [np.full(int(column.max(initial=-1)) + 1, -1, dtype=np.int8) for column in groups.T]
    for row in np.flatnonzero((groups >= 0).any(axis=1)).tolist():
        mine = [(went[c], g) for c, g in enumerate(groups[row].tolist()) if g >= 0]
        ways = {int(of[g]) for of, g in mine} - {-1}
        if len(ways) > 1:
            places[row] = CONFLICT
            continue
        way = ways.pop() if ways else int(places[row])
        places[row] = way
        for of, g in mine:
            of[g] = way
    places[copies] = DUPLICATE
    return places


def thinned(places: Places, content: U64, fraction: float, seed: int) -> Places:
    """``places`` with training dialogues made :data:`UNUSED` so that ``fraction`` of them (at least one) is left.

    Which are left is drawn by content and seed alone, and those of a smaller fraction are among those of a larger one.
    """
    if fraction == 1:
        return places
    train = np.flatnonzero(places == 0)
    with np.errstate(over="ignore"):
        rank = np.argsort(mixed(content[train] ^ np.uint64(hashed(f"train fraction {seed}"))), kind="stable")
    kept = max(1, round(fraction * len(train)))
    thin = places.copy()
    thin[train[rank[kept:]]] = UNUSED
    return thin


def later_copies(keys: U64) -> NDArray[np.bool_]:
    """Whether an equal key stands further up; (keys,)."""
    order = np.argsort(keys, kind="stable")
    found = np.zeros(len(keys), dtype=bool)
    found[order[1:]] = keys[order[1:]] == keys[order[:-1]]
    return found


def _groups(keys: U64, considered: NDArray[np.bool_]) -> NDArray[np.int32]:
    """A number for each key that several of those considered share, -1 for the others; (keys,)."""
    rows = np.flatnonzero(considered)
    order = rows[np.argsort(keys[rows])]
    first = np.ones(len(order), dtype=bool)
    first[1:] = keys[order[1:]] != keys[order[:-1]]
    number = np.cumsum(first) - 1
    shared = np.bincount(number)[number] > 1 if len(number) else first
    groups = np.full(len(keys), -1, dtype=np.int32)
    groups[order[shared]] = (np.cumsum(first & shared) - 1)[shared]
    return groups
