"""A run directory as Python sees it: typed objects, and pandas frames for a notebook."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mentalft.config import Config
from mentalft.errors import DataError
from mentalft.records import Comparison, ItemRow
from mentalft.runs.files import COMPARISON, ITEMS
from mentalft.runs.loading import training_rows
from mentalft.runs.manifest import RESOLVED

if TYPE_CHECKING:
    import pandas as pd


def load_run(path: str | Path) -> Run:
    """The run in the directory ``path``. Files are read when they are asked for.

    Raises:
        DataError: ``path`` is no run directory.
    """
    run_dir = Path(path).expanduser()
    if not (run_dir / RESOLVED).is_file():
        raise DataError(f"{run_dir} holds no {RESOLVED}; give a run directory, such as outputs/2026-11-23/14-22-01")
    return Run(run_dir)


@dataclass(frozen=True)
class Run:
    """What a run left. Methods that give frames import pandas; nothing here imports torch.

    Each attribute and method raises :class:`~mentalft.errors.DataError` where the run did not get as far, or where a
    file is not what mentalft writes.
    """

    path: Path

    @cached_property
    def settings(self) -> Config:
        """The configuration that the results were made with."""
        from omegaconf import OmegaConf

        from mentalft.config.composition import typed_config

        plain: Any = OmegaConf.to_container(OmegaConf.load(self.path / RESOLVED))
        return typed_config(plain)

    @cached_property
    def comparison(self) -> Comparison:
        """Every contender against the baseline, with intervals and verdicts."""
        return COMPARISON.load(self.path)

    @cached_property
    def answers(self) -> list[ItemRow]:
        """What was asked, and what each contender answered, item by item."""
        return ITEMS.load(self.path)

    def scores(self) -> pd.DataFrame:
        """One row an item, contender and metric: ``id, dialogue_id, topic, contender, metric, score``."""
        import pandas as pd

        rows = [
            (item.id, item.dialogue_id, item.topic, contender, metric, score)
            for item in self.answers
            for contender, of_metrics in item.scores.items()
            for metric, score in of_metrics.items()
        ]
        return pd.DataFrame(rows, columns=["id", "dialogue_id", "topic", "contender", "metric", "score"])

    def items(self) -> pd.DataFrame:
        """One row an item: ``id, dialogue_id, topic, asked`` (the user's last turn), ``reference`` (the first), and the
        answer of each contender under its name."""
        import pandas as pd

        rows = [
            {
                "id": item.id,
                "dialogue_id": item.dialogue_id,
                "topic": item.topic,
                "asked": item.history[-1].content,
                "reference": item.references[0],
                **item.answers,
            }
            for item in self.answers
        ]
        return pd.DataFrame(rows)

    def training(self) -> pd.DataFrame:
        """One row a line of ``training.jsonl``, under the tracker's names (``train/loss``, ``validation/loss`` …)."""
        import pandas as pd

        return pd.DataFrame(training_rows(self.path))
