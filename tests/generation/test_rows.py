"""Prompts that share their beginning, and rows that come and go, have the cache that they would have alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentalft.generation.rows import Row, families, let_in, padded_left
from mentalft.records import Prompt


def prompt(name: str, tokens: list[int]) -> Prompt:
    return Prompt(name, name, tokens)


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(3, 5), min_size=1, max_size=5), max_size=12))
def test_every_prompt_is_in_one_family_whose_first_begins_with_it(tokens: list[list[int]]) -> None:
    found = families([prompt(str(n), t) for n, t in enumerate(tokens)])
    assert sorted(p.id for family in found for p in family) == sorted(map(str, range(len(tokens))))
    for family in found:
        assert all(family[0].tokens[: len(p.tokens)] == p.tokens for p in family)
    heads = [family[0].tokens for family in found]
    assert heads == sorted(heads, key=len, reverse=True)
    assert not any(a != b and b[: len(a)] == a for a in heads for b in heads), "no family could join another"


@pytest.fixture(scope="module")
def model(small_model: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(str(small_model)).eval()


def row(name: str, tokens: list[int], said: list[int] | None = None) -> Row:
    return Row(prompt(name, tokens), np.zeros(9), said or [])


def check_against_whole(model: Any, cache: Any, rows: list[Row]) -> None:
    """Each row's cached keys and values are those of the row's tokens read alone."""
    import torch
    from transformers import DynamicCache

    for place, one in enumerate(rows):
        alone = DynamicCache(config=model.config)
        length = len(one.tokens) - 1
        if length == 0:
            continue
        model(input_ids=torch.tensor([one.tokens[:-1]]), past_key_values=alone, use_cache=True)
        for mine, other in zip(cache.layers, alone.layers, strict=True):
            for name in ("keys", "values"):
                held = getattr(mine, name)[place]
                assert torch.allclose(held[:, held.shape[1] - length :], getattr(other, name)[0], atol=1e-5)
                assert not held[:, : held.shape[1] - length].any(), "padding is zero, not what memory held before"


def test_new_rows_beside_old_ones_have_the_cache_of_their_own_tokens(model: Any) -> None:
    import torch

    dialogue = [7, 8, 9, 10, 11, 12, 13]
    first = [row("long", dialogue), row("short", dialogue[:3]), row("other", [20, 21, 22, 23])]
    with torch.inference_mode():
        cache = let_in(model, 1, None, 0, [], [r.prompt for r in first])
        check_against_whole(model, cache, first)
        for place, one in enumerate(first):  # as if each had said two tokens
            one.place, one.said = place, [30 + place, 40 + place]
        ids, mask = padded_left([r.tokens[: len(r.tokens) - 1] for r in first], 1, "cpu")
        positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, -2:]
        model(input_ids=ids[:, -2:], attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True)
        staying = [first[2], first[0]]
        new = [row("new", [50, 51]), row("part", [50])]
        again = let_in(model, 1, cache, ids.shape[1], staying, [r.prompt for r in new])
        check_against_whole(model, again, [*staying, *new])


def test_a_model_with_another_kind_of_state_is_left_to_transformers() -> None:
    from transformers import MambaConfig

    from mentalft.generation.kv_cache import growing_cache

    assert growing_cache(MambaConfig(num_hidden_layers=2)) is None
