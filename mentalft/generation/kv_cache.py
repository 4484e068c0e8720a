"""Key/value caches that grow in place, are cut into rows, and put together anew.

transformers' dynamic cache copies all it holds at every token, and has no way to let a row in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

ROOM = 64
"""Tokens that a full layer is enlarged by."""


class GrowingLayer(DynamicLayer):  # type: ignore[misc]
    """Keys and values, each (batch, heads, time, head size), at the front of a larger buffer."""

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        self.dtype, self.device = key_states.dtype, key_states.device
        self.hold(key_states[:, :, :0], value_states[:, :, :0], 0)

    def hold(self, keys: torch.Tensor, values: torch.Tensor, time: int) -> None:
        """Take over buffers of which the first ``time`` tokens are filled."""
        self.buffers = keys, values
        self.keys, self.values = keys[:, :, :time], values[:, :, :time]
        self.dtype, self.device, self.is_initialized = keys.dtype, keys.device, True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Add the states of new tokens; returns those of all tokens."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        held = self.keys.shape[-2]
        end = held + key_states.shape[-2]
        if self.buffers[0].shape[-2] < end:
            self.buffers = _enlarged(self.keys, end + ROOM), _enlarged(self.values, end + ROOM)
        for buffer, states in zip(self.buffers, (key_states, value_states), strict=True):
            buffer[:, :, held:end] = states
        self.keys, self.values = (buffer[:, :, :end] for buffer in self.buffers)
        return self.keys, self.values


class Source(NamedTuple):
    """Where the cached tokens of one row are: ``row`` of ``cache``, from ``start``, ``length`` of them."""

    cache: DynamicCache
    row: int
    start: int
    length: int


def growing_cache(config: Any) -> DynamicCache | None:
    """An empty cache of :class:`GrowingLayer`; None for a model with layers that keep another kind of state.

    Layers with a sliding window get whole keys and values as well: their mask leaves out what is too far back.
    """
    cache = DynamicCache(config=config)
    if any(type(layer) not in (DynamicLayer, DynamicSlidingWindowLayer) for layer in cache.layers):
        return None
    cache.layers = [GrowingLayer() for _ in cache.layers]
    return cache


def put_together(sources: Sequence[Source], config: Any) -> DynamicCache:
    """A cache with one row a source, padded on the left with zeros."""
    width = max(source.length for source in sources)
    made = growing_cache(config)
    assert made is not None
    for number, layer in enumerate(made.layers):
        given = [source.cache.layers[number] for source in sources]
        buffers = []
        for name in ("keys", "values"):
            like = getattr(given[0], name)
            buffer = like.new_empty((len(sources), like.shape[1], width + ROOM, like.shape[3]))
            for row, (source, held) in enumerate(zip(sources, given, strict=True)):
                end = source.start + source.length
                buffer[row, :, : width - source.length] = 0  # what is masked must still be a number
                buffer[row, :, width - source.length : width] = getattr(held, name)[source.row, :, source.start : end]
            buffers.append(buffer)
        layer.hold(*buffers, width)
    return made


def _enlarged(held: torch.Tensor, time: int) -> torch.Tensor:
    buffer = held.new_empty((*held.shape[:2], time, held.shape[-1]))
    buffer[:, :, : held.shape[-2]] = held
    return buffer
