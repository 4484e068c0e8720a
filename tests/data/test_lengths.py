"""Token lengths as the report gives them: those of training."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mentalft.data.batches import encode
from mentalft.data.lengths import token_lengths
from mentalft.data.prompts import PromptBuilder
from mentalft.records import Dialogue, Shortened
from tests.data.split.test_places import dialogue
from tests.test_conf import composed


@pytest.mark.parametrize("too_long", ["truncate", "drop", "error"])
def test_they_are_those_of_training(tokenizer: Any, too_long: str) -> None:
    turns = [dialogue("睡不着" * n, "多久了").messages for n in range(1, 6)]
    sample = [
        Dialogue(str(n), None, (*before, *last))
        for n, (before, last) in enumerate(zip(turns, reversed(turns), strict=True))
    ]
    builder = PromptBuilder(tokenizer, {}, "mine")
    lengths = sorted(len(tokenizer.apply_chat_template([m.chat() for m in d.messages])["input_ids"]) for d in sample)
    cfg = composed(f"data.too_long={too_long}")
    cfg.data.max_length = lengths[2] - 1
    found = token_lengths(sample, builder, cfg)
    assert (found.model, found.embedded, found.max_length) == ("mine", True, cfg.data.max_length)
    assert (found.quantiles["1"], found.quantiles["0.5"]) == (lengths[-1], lengths[2])
    trained = encode(sample, builder, cfg.data.max_length, "drop" if too_long == "error" else too_long)
    assert found.shortened == trained.shortened
    cfg.model = replace(cfg.model, name_or_path="some/folder")
    assert not token_lengths(sample, builder, cfg).embedded


def test_an_empty_sample_has_no_share(tokenizer: Any) -> None:
    found = token_lengths([], PromptBuilder(tokenizer, {}, "mine"), composed())
    assert found.shortened == Shortened(0, 0, 0, 0.0, 0.0)
