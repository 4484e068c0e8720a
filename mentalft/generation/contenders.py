"""Who answers: an ordered list of contenders, made from the settings. One of them is the baseline."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mentalft.config import EvalConfig

BASELINE = "base"


@dataclass(frozen=True)
class Contender:
    """Something that answers, by where its answers come from."""

    name: str
    adapter: Path | None = None
    """A PEFT adapter folder on the loaded model; None asks the model as it is."""
    served_as: str | None = None
    """What a server calls it."""


def contenders_of(cfg: EvalConfig, adapter: Path | None) -> tuple[Contender, ...]:
    """The base model, and the model that was tuned.

    Args:
        adapter: of the tuned one; None where a server has both.
    """
    server = cfg.openai if cfg.engine == "openai" else None
    return (
        Contender(BASELINE, served_as=server.base_model if server else None),
        Contender("tuned", adapter, served_as=server.tuned_model if server else None),
    )


def given_answers(cfg: EvalConfig) -> dict[str, Path]:
    """Contender → the file of its answers, where answers exist already."""
    given = {BASELINE: cfg.responses.base, "tuned": cfg.responses.tuned}
    return {name: Path(str(path)).expanduser() for name, path in given.items()}
