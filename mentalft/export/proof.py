"""Whether two models are the same: they are asked the same prompts, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from mentalft.export.record import Bounds, Proof
from mentalft.records import Message, Prompt, Response

if TYPE_CHECKING:
    from mentalft.export.source import Source

LIKELIEST = 50
"""Tokens of each position whose logits are kept of the evaluated model, and compared."""


class Loaded(Protocol):
    """A model with its tokenizer, as loaded from files."""

    dtype: str

    def prompt_tokens(self, messages: Sequence[Message]) -> list[int]:
        """What its own tokenizer and chat template make of a history that ends with the user."""
        ...

    def answers(self, prompts: Sequence[Prompt]) -> dict[str, list[int]]:
        """Prompt id → greedy new tokens, up to and with its own end token, at most the run's ``max_new_tokens``."""
        ...

    def logits(self, prompt: list[int], answer: list[int]) -> Any:
        """The logits from which each token of ``answer`` is chosen: (len(answer), vocabulary) float32 NumPy array."""
        ...


class Kept(NamedTuple):
    """What is kept of the evaluated model's greedy answer to one prompt."""

    prompt: Prompt
    answer: list[int]
    tokens: Any
    """The likeliest of each position, the first first: (len(answer), LIKELIEST) int64."""
    logits: Any
    """Theirs, float32."""


def keep(model: Loaded, prompts: Sequence[Prompt]) -> list[Kept]:
    """Ask the evaluated model, so that it can be let go before the export is loaded."""
    raise NotImplementedError


def prove(source: Source, kept: Sequence[Kept], model: Loaded, bounds: Bounds) -> Proof:
    """Ask the export what was kept of the evaluated model. Its causes are those that the measurements show by themselves."""
    raise NotImplementedError
