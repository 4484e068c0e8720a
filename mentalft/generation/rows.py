"""The rows of a batch: which prompts go together, and how new ones get a cache beside those on their way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mentalft.records import Prompt

if TYPE_CHECKING:
    import torch

T = TypeVar("T")


@dataclass(eq=False)
class Row:
    """A prompt on its way."""

    prompt: Prompt
    uniforms: NDArray[np.float64]
    """For sampling: (max_new_tokens,)."""
    said: list[int] = field(default_factory=list)
    place: int = 0
    """Its row in the cache."""

    @property
    def tokens(self) -> list[int]:
        return self.prompt.tokens + self.said


def families(things: Iterable[T], tokens: Callable[[T], list[int]] = attrgetter("tokens")) -> list[list[T]]:
    """Those of which one is the beginning of the other in one list, the longest first; the longest lists first."""
    found: list[list[T]] = []
    longest: list[list[int]] = []
    for thing in sorted(things, key=tokens, reverse=True):  # a beginning comes right after what it begins
        mine = tokens(thing)
        if found and longest[-1][: len(mine)] == mine:
            found[-1].append(thing)
        else:
            found.append([thing])
            longest.append(mine)
    return sorted(found, key=lambda family: len(tokens(family[0])), reverse=True)


def let_in(model: Any, pad_id: int, cache: Any, width: int, rows: Sequence[Row], new: Sequence[Prompt]) -> Any:
    """The cache of ``rows`` (some of those that ``cache`` has) followed by ``new``, without each row's last token.

    None where the model keeps a state that cannot be taken apart; it then begins with an empty one, and no row stays.

    Args:
        width: tokens of each row of ``cache``, padded on the left.
    """
    from mentalft.generation.kv_cache import Source, growing_cache, put_together

    filled = growing_cache(model.config)
    if filled is None:
        return None
    sources = {}
    for row in rows:
        length = len(row.tokens) - 1
        sources[row.prompt.id] = Source(cache, row.place, width - length, length)
    together = families(new)
    if together:
        # padded on the right: what comes after a token is nothing to it, so no mask is needed
        longest = max(len(family[0].tokens) for family in together)
        padded = [family[0].tokens + [pad_id] * (longest - len(family[0].tokens)) for family in together]
        _decoder(model)(input_ids=_tensor(padded, model.device), past_key_values=filled, use_cache=True)
    for place, family in enumerate(together):
        for prompt in family:
            sources[prompt.id] = Source(filled, place, 0, len(prompt.tokens) - 1)
    order = [*(row.prompt.id for row in rows), *(prompt.id for prompt in new)]
    return put_together([sources[name] for name in order], model.config)


def padded_left(tokens: Sequence[list[int]], pad_id: int, device: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """``input_ids`` and ``attention_mask``, each (batch, time of the longest)."""
    width = max(map(len, tokens))
    ids = [[pad_id] * (width - len(t)) + t for t in tokens]
    mask = [[0] * (width - len(t)) + [1] * len(t) for t in tokens]
    return _tensor(ids, device), _tensor(mask, device)


def _decoder(model: Any) -> Any:
    """The model below its output head; peft's layers are inside."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    return base.get_decoder()


def _tensor(values: list[list[int]], device: Any) -> torch.Tensor:
    import torch

    return torch.tensor(values, device=device)
