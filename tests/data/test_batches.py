"""Batches: padding is neither seen nor learnt; what does not fit is counted."""

from __future__ import annotations

from typing import Any

from mentalft.data.batches import Collator, encode
from mentalft.data.prompts import IGNORED_LABEL, PromptBuilder
from mentalft.records import Dialogue, Message


def test_padding_has_no_attention_and_no_label() -> None:
    batch = Collator(9)([{"input_ids": [1, 2, 3], "labels": [IGNORED_LABEL, 2, 3]}, {"input_ids": [4], "labels": [4]}])
    assert batch["input_ids"].tolist() == [[1, 2, 3], [4, 9, 9]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert batch["labels"].tolist() == [[IGNORED_LABEL, 2, 3], [4, IGNORED_LABEL, IGNORED_LABEL]]


def test_cut_and_dropped_dialogues_are_counted(tokenizer: Any) -> None:
    builder = PromptBuilder(tokenizer, {}, "tiny")
    turn = (Message("user", "你好，" * 5), Message("assistant", "你好，" * 5))
    long_turn = (Message("user", "很长的一句话，" * 50), Message("assistant", "好"))
    one = len(builder.example(turn).input_ids)
    encoded = encode(
        [Dialogue("a", None, turn), Dialogue("b", None, turn + turn), Dialogue("c", None, long_turn)], builder, one
    )
    assert (len(encoded.examples), encoded.cut, encoded.dropped) == (2, 1, 1)
    assert all(len(e.input_ids) <= one for e in encoded.examples)
