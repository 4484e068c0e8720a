"""What is exported, and what was evaluated, as a run has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mentalft.config import Config
from mentalft.generation.contenders import Contender
from mentalft.modeling.locate import LocatedModel
from mentalft.records import Prompt, Response
from mentalft.runs.markers import Record


@dataclass(frozen=True)
class Source:
    """One adapter contender of a run, on the base as it is on disk: unquantised."""

    run_dir: Path
    cfg: Config
    """That of the evaluate stage."""
    record: Record
    """Likewise."""
    contender: Contender
    prompts: list[Prompt]
    """Some of those that it was asked, spread over them evenly, with their messages."""
    evaluated: Mapping[str, Response]
    """Prompt id → what it answered then."""
    adapter_sha256: str

    @property
    def located(self) -> LocatedModel:
        raise NotImplementedError

    @property
    def adapter(self) -> Path:
        raise NotImplementedError

    @property
    def evaluated_in(self) -> str:
        """The dtype of the base model when it was evaluated, such as ``float32``."""
        raise NotImplementedError

    def tokenizer(self) -> Any:
        """A new one, as the run had it, with the run's chat template."""
        raise NotImplementedError

    def end_ids(self) -> list[int]:
        """Every token that ended an answer in the evaluation."""
        raise NotImplementedError


def source_of(run_dir: Path, contender: str, prompts: int) -> Source:
    """Read ``run_dir``, and make sure that base, adapter and prompts are still those that were evaluated.

    Raises:
        UserError: the run did not evaluate such a contender here, or something changed since.
    """
    raise NotImplementedError
