"""``scores.jsonl``: what every score of a run is added up from, item by item, without any text of a dialogue.

``mentalft-runs`` makes its figures from this file alone; so can anyone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mentalft.errors import DataError
from mentalft.files import read_jsonl, write_jsonl


class ScoreSheet(NamedTuple):
    """One row an item, in the order asked."""

    ids: tuple[str, ...]
    digests: tuple[str, ...]
    """Of history and references, so that items of one name but other text are told apart."""
    dialogues: tuple[str, ...]
    topics: tuple[str | None, ...]
    depths: tuple[int, ...]
    """Which user turn is answered, counted from 1."""
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
            characters={c: found[at] for c, found in self.characters.items()},
            parts={c: {name: found[at] for name, found in by.items()} for c, by in self.parts.items()},
        )


def write_scores(sheet: ScoreSheet, path: Path) -> None:
    write_jsonl(path, (_row(sheet, i) for i in range(len(sheet.ids))))


def read_scores(path: Path) -> ScoreSheet:
    """The inverse of :func:`write_scores`.

    Raises:
        DataError: the file holds something else.
    """
    rows: list[dict[str, Any]] = list(read_jsonl(path))
    try:
        return ScoreSheet(
            ids=tuple(row["id"] for row in rows),
            digests=tuple(row["digest"] for row in rows),
            dialogues=tuple(row["dialogue_id"] for row in rows),
            topics=tuple(row["topic"] for row in rows),
            depths=tuple(row["depth"] for row in rows),
            characters={
                c: np.array([row["characters"][c] for row in rows], dtype=float) for c in rows[0]["characters"]
            },
            parts={
                contender: {
                    name: np.array([row["parts"][contender][name] for row in rows], dtype=float) for name in of_metrics
                }
                for contender, of_metrics in rows[0]["parts"].items()
            },
        )
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DataError(
            f"{path}: not what mentalft writes there ({error!r}); score the run again: "
            f"mentalft run_dir={path.parent} stages=[compare]"
        ) from error


def _row(sheet: ScoreSheet, i: int) -> dict[str, Any]:
    return {
        "id": sheet.ids[i],
        "digest": sheet.digests[i],
        "dialogue_id": sheet.dialogues[i],
        "topic": sheet.topics[i],
        "depth": sheet.depths[i],
        "characters": {c: int(found[i]) for c, found in sheet.characters.items()},
        "parts": {c: {name: found[i].tolist() for name, found in by.items()} for c, by in sheet.parts.items()},
    }
