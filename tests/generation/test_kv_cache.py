"""The growing cache holds what transformers' own holds."""

from __future__ import annotations

import torch
from transformers.cache_utils import DynamicLayer

from mentalft.generation.kv_cache import ROOM, GrowingLayer


def test_it_holds_what_the_dynamic_layer_holds_past_growth_and_a_cut() -> None:
    torch.manual_seed(0)
    ours, theirs = GrowingLayer(), DynamicLayer()
    rows = 4
    for step in range(2 * ROOM + 3):
        new = torch.randn(rows, 2, 5 if step == 0 else 1, 3), torch.randn(rows, 2, 5 if step == 0 else 1, 3)
        for mine, his in zip(ours.update(*new), theirs.update(*new), strict=True):
            assert torch.equal(mine, his)
        if step == 9:
            ours.crop(-2)
            theirs.crop(-2)
        assert ours.get_seq_length() == theirs.get_seq_length()
