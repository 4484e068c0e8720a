"""Token lengths as the report gives them."""

from __future__ import annotations

from typing import Any

from mentalft.data.lengths import token_lengths
from mentalft.data.prompts import PromptBuilder
from mentalft.records import Dialogue
from tests.data.split.test_places import dialogue


def test_they_are_those_of_the_rendered_dialogues(tokenizer: Any) -> None:
    sample: list[Dialogue] = [dialogue("睡不着" * n, "多久了") for n in range(1, 6)]
    builder = PromptBuilder(tokenizer, {}, "mine")
    found = token_lengths(sample, builder, max_length=20)
    lengths = [
        len(tokenizer.apply_chat_template([m.chat() for m in d.messages])["input_ids"])
        for d in sample
    ]  # fmt: skip
    assert (found.model, found.sampled_dialogues) == ("mine", 5)
    assert (found.quantiles["1"], found.quantiles["0.5"]) == (max(lengths), sorted(lengths)[2])
    assert found.share_longer == sum(n > 20 for n in lengths) / 5


def test_an_empty_sample_has_no_share(tokenizer: Any) -> None:
    assert token_lengths([], PromptBuilder(tokenizer, {}, "mine"), 20).share_longer == 0.0
