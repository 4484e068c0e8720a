"""A key/value cache with room to grow: transformers' dynamic one copies all it holds at every token."""

from __future__ import annotations

from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

ROOM = 64
"""Tokens that a full layer is enlarged by."""


class GrowingLayer(DynamicLayer):  # type: ignore[misc]
    """Keys and values, each (batch, heads, time, head size), at the front of a larger buffer."""

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        self.dtype, self.device = key_states.dtype, key_states.device
        self.keys, self.values = key_states[:, :, :0], value_states[:, :, :0]
        self.buffers = self.keys, self.values
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Add the states of new tokens; returns those of all tokens."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        held = self.keys.shape[-2]
        end = held + key_states.shape[-2]
        is_front = self.keys.data_ptr() == self.buffers[0].data_ptr()  # not so after rows were taken out
        if not is_front or self.buffers[0].shape[-2] < end:
            self.buffers = _enlarged(self.keys, end + ROOM), _enlarged(self.values, end + ROOM)
        for buffer, states in zip(self.buffers, (key_states, value_states), strict=True):
            buffer[:, :, held:end] = states
        self.keys, self.values = (buffer[:, :, :end] for buffer in self.buffers)
        return self.keys, self.values


def growing_cache(config: Any) -> DynamicCache:
    """The cache that transformers would make for a model, with :class:`GrowingLayer` where it has plain layers."""
    cache = DynamicCache(config=config)
    cache.layers = [GrowingLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache


def _enlarged(held: torch.Tensor, time: int) -> torch.Tensor:
    buffer = held.new_empty((*held.shape[:2], time, held.shape[-1]))
    buffer[:, :, : held.shape[-2]] = held
    return buffer
