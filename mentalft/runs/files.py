"""Every file of a run directory, with the one way to load it and the one way to save it.

``COMPARISON.load(run_dir)`` gives the typed object, ``COMPARISON.save(run_dir, value)`` writes it whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
from filelock import FileLock

from mentalft.errors import DataError, typed
from mentalft.files import MARKED, write_json, write_jsonl
from mentalft.records import (
    Comparison,
    DataReport,
    ItemRow,
    Made,
    ObjectiveResult,
    Perplexed,
    Rejected,
    Response,
    ScoreRow,
    StoredMetrics,
    TrainingResult,
    Vote,
)

T = TypeVar("T")


@dataclass(frozen=True)
class RunFile(Generic[T]):
    """A file below the run directory."""

    name: str
    kind: Any
    """The type of its value, of a row where it is JSON Lines."""
    stage: str
    """The stage that writes it, named where it is missing; empty where none does."""

    def path(self, run_dir: Path) -> Path:
        return run_dir / self.name

    def exists(self, run_dir: Path) -> bool:
        return self.path(run_dir).is_file()

    def _missing(self, run_dir: Path) -> DataError:
        return DataError(
            f"{self.path(run_dir)} does not exist; give a run that got as far as {self.stage}, or add it to stages"
        )

    def _broken(self, run_dir: Path, line: int | None, error: Exception) -> DataError:
        where = f", line {line}" if line else ""
        again = f"make it again: mentalft {typed('run_dir', run_dir)} stages=[{self.stage}]"
        mend = again if self.stage else "mend it, or move the file away"
        return DataError(f"{self.path(run_dir)}{where}: not what mentalft writes there ({error}); {mend}")


@dataclass(frozen=True)
class JsonFile(RunFile[T]):
    """One JSON value."""

    def load(self, run_dir: Path) -> T:
        """What the file holds.

        Raises:
            DataError: it is not there, or holds something else.
        """
        try:
            found: T = msgspec.json.decode(self.path(run_dir).read_bytes(), type=self.kind)
        except FileNotFoundError as error:
            raise self._missing(run_dir) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._broken(run_dir, None, error) from error
        return found

    def save(self, run_dir: Path, value: T) -> None:
        write_json(self.path(run_dir), msgspec.to_builtins(value))


@dataclass(frozen=True)
class JsonLinesFile(RunFile[T]):
    """One JSON value a line."""

    def load(self, run_dir: Path) -> list[T]:
        """Every row.

        Raises:
            DataError: the file is not there, or a line holds something else.
        """
        decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(self.kind)
        rows: list[T] = []
        try:
            with self.path(run_dir).open("rb") as handle:
                for number, line in enumerate(handle, 1):
                    try:
                        rows.append(decoder.decode(line))
                    except (msgspec.DecodeError, UnicodeDecodeError) as error:
                        raise self._broken(run_dir, number, error) from error
        except FileNotFoundError as error:
            raise self._missing(run_dir) from error
        return rows

    def save(self, run_dir: Path, rows: Iterable[T]) -> None:
        write_jsonl(self.path(run_dir), map(msgspec.to_builtins, rows))

    def append(self, run_dir: Path, row: T) -> None:
        """Add a row to a file that several processes may add to; written whole, so that no line is ever cut.

        Raises:
            DataError: what is there already is something else.
        """
        (run_dir / MARKED).mkdir(exist_ok=True)
        with FileLock(run_dir / MARKED / f"{self.name}.lock"):
            self.save(run_dir, [*(self.load(run_dir) if self.exists(run_dir) else []), row])


COMPARISON: JsonFile[Comparison] = JsonFile("comparison.json", Comparison, "compare")
ITEMS: JsonLinesFile[ItemRow] = JsonLinesFile("items.jsonl", ItemRow, "compare")
METRICS: JsonFile[StoredMetrics] = JsonFile("metrics.json", StoredMetrics, "compare")
SCORES: JsonLinesFile[ScoreRow] = JsonLinesFile("scores.jsonl", ScoreRow, "compare")
LIKELIHOODS: JsonLinesFile[Perplexed] = JsonLinesFile("responses/perplexity.jsonl", Perplexed, "evaluate")
PROBLEMS: JsonLinesFile[Rejected] = JsonLinesFile("responses/problems.jsonl", Rejected, "answers")
MADE: JsonFile[Made] = JsonFile("responses/decoding.json", Made, "evaluate")
OBJECTIVE_ANSWERS: JsonLinesFile[Response] = JsonLinesFile("objective.jsonl", Response, "objective")
OBJECTIVE: JsonFile[ObjectiveResult] = JsonFile("objective.json", ObjectiveResult, "objective")
TRAINED: JsonFile[TrainingResult] = JsonFile("training.json", TrainingResult, "train")
DATA_REPORT: JsonFile[DataReport] = JsonFile("data/report.json", DataReport, "prepare")
REJECTED: JsonLinesFile[Rejected] = JsonLinesFile("data/rejected.jsonl", Rejected, "prepare")
VOTES: JsonLinesFile[Vote] = JsonLinesFile("votes.jsonl", Vote, "")
"""Of ``mentalft-chat``."""


def responses(contender: str) -> JsonLinesFile[Response]:
    """The answers of one contender."""
    return JsonLinesFile(f"responses/{contender}.jsonl", Response, "evaluate")
