"""``scores.jsonl`` as columns: what every score of a run is added up from, item by item, without any text.

``mentalft-runs`` makes its figures from this file alone; so can anyone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mentalft.errors import DataError, typed
from mentalft.records import ScoreRow
from mentalft.runs.files import SCORES


class ScoreSheet(NamedTuple):
    """One row an item, in the order asked; see :class:`~mentalft.records.ScoreRow`."""

    ids: tuple[str, ...]
    digests: tuple[str, ...]
    dialogues: tuple[str, ...]
    topics: tuple[str | None, ...]
    depths: tuple[int, ...]
    characters: dict[str, NDArray[np.float64]]
    """Contender → (items,) length of the answers."""
    parts: dict[str, dict[str, NDArray[np.float64]]]
    """Contender → metric → (items, parts)."""

    def in_order_of(self, ids: Sequence[str]) -> ScoreSheet:
        """The same rows, in the order of ``ids``."""
        place = {name: i for i, name in enumerate(self.ids)}
        at = [place[name] for name in ids]
        return ScoreSheet(
            ids=tuple(ids),
            digests=tuple(self.digests[i] for i in at),
            dialogues=tuple(self.dialogues[i] for i in at),
            topics=tuple(self.topics[i] for i in at),
            depths=tuple(self.depths[i] for i in at),
            characters={name: found[at] for name, found in self.characters.items()},
            parts={name: {metric: found[at] for metric, found in by.items()} for name, by in self.parts.items()},
        )


def write_scores(sheet: ScoreSheet, run_dir: Path) -> None:
    SCORES.save(run_dir, (_row(sheet, i) for i in range(len(sheet.ids))))


def read_scores(run_dir: Path) -> ScoreSheet:
    """The inverse of :func:`write_scores`.

    Raises:
        DataError: the file holds something else.
    """
    rows = SCORES.load(run_dir)
    try:
        return ScoreSheet(
            ids=tuple(row.id for row in rows),
            digests=tuple(row.digest for row in rows),
            dialogues=tuple(row.dialogue_id for row in rows),
            topics=tuple(row.topic for row in rows),
            depths=tuple(row.depth for row in rows),
            characters={
                name: np.array([row.characters[name] for row in rows], dtype=float) for name in rows[0].characters
            },
            parts={
                name: {metric: np.array([row.parts[name][metric] for row in rows], dtype=float) for metric in by}
                for name, by in rows[0].parts.items()
            },
        )
    except (KeyError, ValueError, IndexError) as error:
        raise DataError(
            f"{SCORES.path(run_dir)}: not what mentalft writes there ({error!r}); score the run again: "
            f"mentalft {typed('run_dir', run_dir)} stages=[compare]"
        ) from error


def _row(sheet: ScoreSheet, i: int) -> ScoreRow:
    return ScoreRow(
        id=sheet.ids[i],
        digest=sheet.digests[i],
        dialogue_id=sheet.dialogues[i],
        topic=sheet.topics[i],
        depth=sheet.depths[i],
        characters={name: int(found[i]) for name, found in sheet.characters.items()},
        parts={name: {metric: found[i].tolist() for metric, found in by.items()} for name, by in sheet.parts.items()},
    )
