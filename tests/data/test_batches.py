"""Batches: padding is neither seen nor learnt; what does not fit is counted; nothing to learn from is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from mentalft.data.batches import Collator, Encoded, Row, encode, sampled
from mentalft.data.prompts import IGNORED_LABEL, PromptBuilder
from mentalft.errors import DataError
from mentalft.records import Dialogue, Message


def row(name: str, tokens: list[int], supervised: list[int]) -> Row:
    return Row(name, np.asarray(tokens, dtype=np.int32), np.asarray(supervised, dtype=bool))


ROWS = [row("a", [1, 2, 3], [0, 1, 1]), row("b", [4, 5], [0, 1])]


def test_padding_comes_last_and_has_no_label() -> None:
    batch = Collator(9)(ROWS)
    assert batch["input_ids"].tolist() == [[1, 2, 3], [4, 5, 9]]
    assert batch["labels"].tolist() == [[IGNORED_LABEL, 2, 3], [IGNORED_LABEL, 5, IGNORED_LABEL]]
    assert batch["record_ids"] == ["a", "b"]


@pytest.mark.parametrize("padding_free", [False, True])
def test_positions_are_where_the_next_token_is_a_label(padding_free: bool) -> None:
    batch = Collator(9, padding_free=padding_free)(ROWS)
    flat = batch["labels"].flatten()
    assert flat[batch["positions"] + 1].tolist() == [2, 3, 5]
    assert int((flat != IGNORED_LABEL).sum()) == len(batch["positions"])


def test_one_row_without_padding_numbers_each_dialogue_from_0() -> None:
    batch = Collator(9, padding_free=True)(ROWS)
    assert batch["input_ids"].tolist() == [[1, 2, 3, 4, 5]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 0, 1]]
    assert "attention_mask" not in batch


def test_no_rows_become_a_batch_without_labels() -> None:
    batch = Collator(9, filler=ROWS[0])([])
    assert batch["input_ids"].tolist() == [[1, 2, 3]]
    assert len(batch["positions"]) == 0
    assert ROWS[0].supervised.any(), "the filler is a copy"
    assert all(isinstance(v, torch.Tensor) for k, v in batch.items() if k != "record_ids")


TURN = (Message("user", "你好，" * 5), Message("assistant", "你好，" * 5))
LONG = (Message("user", "很长的一句话，" * 50), Message("assistant", "好"))
DIALOGUES = [Dialogue("a", None, TURN), Dialogue("b", None, TURN + TURN), Dialogue("c", None, LONG)]


def encoded(tokenizer: Any, too_long: str) -> tuple[Encoded, int]:
    builder = PromptBuilder(tokenizer, {}, "tiny")
    one = len(builder.example(TURN).input_ids)
    return encode(DIALOGUES, builder, one, too_long), one


def test_cut_and_dropped_dialogues_are_counted(tokenizer: Any) -> None:
    found, one = encoded(tokenizer, "truncate")
    assert [r.id for r in found.rows] == ["a", "b"]
    assert (found.shortened.cut, found.shortened.left_out) == (1, 1)
    assert found.shortened.turns_lost == 0.5, "two of four"
    learnt = [
        sum(label != IGNORED_LABEL for label in PromptBuilder(tokenizer, {}, "").example(d.messages).labels)
        for d in DIALOGUES
    ]
    assert found.shortened.supervised_lost == pytest.approx((learnt[0] + learnt[2]) / sum(learnt), abs=1e-4)
    assert all(length <= one for length in found.lengths())


def test_what_is_too_long_can_be_left_out_or_refused(tokenizer: Any) -> None:
    found, _ = encoded(tokenizer, "drop")
    assert [r.id for r in found.rows] == ["a"]
    assert (found.shortened.cut, found.shortened.left_out, found.shortened.turns_lost) == (0, 2, 0.75)
    with pytest.raises(DataError, match=r"dialogue b has \d+ tokens.*data\.too_long=truncate"):
        encoded(tokenizer, "error")


def test_an_answer_not_to_learn_from_is_context_and_a_dialogue_cut_down_to_it_is_dropped(tokenizer: Any) -> None:
    builder = PromptBuilder(tokenizer, {}, "tiny")
    shown = (TURN[0], TURN[1]._replace(learnt=False))
    whole, first = builder.example(shown + TURN), builder.example(TURN)
    assert whole.input_ids == builder.example(TURN + TURN).input_ids
    (row,) = encode([Dialogue("b", None, shown + TURN)], builder, 1000).rows
    assert row.supervised.sum() == sum(label >= 0 for label in first.labels)
    assert not row.supervised[: len(first.input_ids)].any()
    found = encode([Dialogue("c", None, TURN + shown)], builder, len(first.input_ids))
    assert (found.rows, found.shortened.left_out) == ([], 1)


def test_a_dialogue_without_an_answer_is_an_error_and_not_a_loss_of_0(tokenizer: Any) -> None:
    silent = Dialogue("d", None, (Message("user", "在吗？"),))
    with pytest.raises(DataError, match="dialogue d holds no answer"):
        encode([silent], PromptBuilder(tokenizer, {}, "tiny"), 100)


def test_a_sample_keeps_topics_in_share_and_the_order_and_grows() -> None:
    rows = [Row(str(n), np.ones(1, np.int32), np.ones(1, np.bool_), "sleep" if n % 4 else "work") for n in range(40)]
    few, more = sampled(rows, 8, 1), sampled(rows, 20, 1)
    assert [row.topic for row in few].count("work") == 2
    assert [row.topic for row in more].count("work") == 5
    assert {row.id for row in few} < {row.id for row in more}
    assert more == [row for row in rows if row in more]
    assert sampled(rows, None, 1) == sampled(rows, 40, 1) == rows
    assert {row.id for row in sampled(rows, 8, 2)} != {row.id for row in few}
