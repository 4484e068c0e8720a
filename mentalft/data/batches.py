"""Training examples from dialogues, and batches from examples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mentalft.config import DataConfig
from mentalft.console import say, shown
from mentalft.data.items import in_share
from mentalft.data.prompts import IGNORED_LABEL, PromptBuilder
from mentalft.data.report import shortened_said
from mentalft.data.windows import windows
from mentalft.errors import DataError, ModelError
from mentalft.files import read_jsonl
from mentalft.records import Dialogue, Message, Shortened

if TYPE_CHECKING:
    import torch


class Row(NamedTuple):
    """One training example, compact enough to hold a corpus of them in memory."""

    id: str
    """Of the dialogue, which may have several."""
    input_ids: NDArray[np.int32]  # (time,)
    supervised: NDArray[np.bool_]  # (time,): True where the token is a label
    topic: str | None = None


class Encoded(NamedTuple):
    rows: list[Row]
    shortened: Shortened
    whole: list[int]
    """The length of each dialogue before it was cut."""

    def lengths(self) -> tuple[int, ...]:
        return tuple(len(row.input_ids) for row in self.rows)


def encode_file(path: Path, builder: PromptBuilder, cfg: DataConfig) -> Encoded:
    """The examples of a ChatML JSONL file, each at most ``cfg.max_length`` tokens long."""
    return encode(map(Dialogue.from_json, read_jsonl(path)), builder, cfg.max_length, cfg.too_long, cfg.least_history)


def encode(
    dialogues: Iterable[Dialogue],
    builder: PromptBuilder,
    max_length: int,
    too_long: str = "truncate",
    least_history: float = 0.5,
) -> Encoded:
    """One example a dialogue that fits.

    Args:
        too_long: ``windows`` makes several of one that does not fit (:mod:`mentalft.data.windows`), ``truncate`` cuts
            its oldest exchanges (and leaves it out where not even its last one fits), ``drop`` leaves it out, ``error``
            stops.

    Raises:
        DataError: a dialogue is too long and ``too_long`` is ``error``; or a dialogue has no answer to learn from.
        ModelError: the chat template cannot take a dialogue.
    """
    rows: list[Row] = []
    whole: list[int] = []
    cut = left_out = windowed = 0
    learnt, lost = np.zeros(2, dtype=np.int64), np.zeros(2, dtype=np.int64)  # (assistant turns, tokens)
    for dialogue in dialogues:
        row = _row(dialogue, builder)
        whole.append(len(row.input_ids))
        learnt += _learnt(row)
        if len(row.input_ids) > max_length:
            if too_long == "error":
                raise DataError(
                    f"dialogue {dialogue.id} has {len(row.input_ids)} tokens and data.max_length is {max_length}; "
                    "raise it, or use data.too_long=windows, truncate or drop"
                )
            pieces = _pieces(dialogue, builder, max_length, too_long, least_history)
            lost += _learnt(row) - sum(map(_learnt, pieces), np.zeros(2, dtype=np.int64))
            cut, left_out = cut + bool(pieces), left_out + (not pieces)
            windowed += len(pieces) if too_long == "windows" else 0
            rows += pieces
        else:
            rows.append(row)
    turns, tokens = (lost / np.maximum(learnt, 1)).round(4).tolist()
    ratio = sum(len(row.input_ids) for row in rows) / sum(whole) if whole else 1.0
    return Encoded(rows, Shortened(len(whole), cut, left_out, turns, tokens, windowed, round(ratio, 4)), whole)


def _pieces(
    dialogue: Dialogue, builder: PromptBuilder, max_length: int, too_long: str, least_history: float
) -> list[Row]:
    """What becomes of a dialogue that does not fit."""
    if too_long == "windows":
        return [_row(piece, builder) for piece in windows(dialogue, builder, max_length, least_history)]
    kept = builder.fit(dialogue.messages, max_length) if too_long == "truncate" else None
    if kept is None or not any(m.role == "assistant" and m.learnt for m in kept):
        return []
    return [_row(replace(dialogue, messages=tuple(kept)), builder)]


def _row(dialogue: Dialogue, builder: PromptBuilder) -> Row:
    try:
        example = builder.example(dialogue.messages)
    except ModelError as error:
        raise ModelError(f"dialogue {dialogue.id}: {error}") from error
    supervised = np.asarray(example.labels, dtype=np.int32) != IGNORED_LABEL
    supervised[0] = False  # nothing comes before the first token that could predict it
    if not supervised.any():
        raise DataError(f"dialogue {dialogue.id} holds no answer of the assistant, so there is nothing to learn")
    return Row(dialogue.id, np.asarray(example.input_ids, dtype=np.int32), supervised, dialogue.topic)


def _learnt(row: Row) -> NDArray[np.int64]:
    """(2,): assistant turns and tokens that are learnt from."""
    return np.array([np.count_nonzero(row.supervised[1:] > row.supervised[:-1]), np.count_nonzero(row.supervised)])


def encode_split(path: Path, builder: PromptBuilder, cfg: DataConfig) -> Encoded:
    """The examples of one split; what did not fit is said.

    Raises:
        DataError: as :func:`encode`; or not one dialogue fits.
    """
    try:
        encoded = encode_file(path, builder, cfg)
    except DataError as error:
        raise DataError(f"{shown(path)}: {error}") from error
    if not encoded.rows:
        raise DataError(
            f"{path}: not one of its {len(encoded.whole)} dialogues fits in data.max_length={cfg.max_length} tokens; "
            "raise it"
        )
    for line in shortened_said("train", path.stem, encoded.shortened, cfg.max_length):
        say(line, style="yellow")
    return encoded


def sampled(rows: Sequence[Row], most: int | None, seed: int) -> list[Row]:
    """The rows of at most ``most`` dialogues, topics in share; a smaller sample is part of a larger one."""
    dialogues = in_share(((row.id, row.topic) for row in rows), seed)
    if most is None or len(dialogues) <= most:
        return list(rows)
    kept = {*dialogues[:most]}
    return [row for row in rows if row.id in kept]


def reference_rows(builder: PromptBuilder, asked: Iterable[tuple[str, Sequence[Message], str]]) -> list[Row]:
    """One example for each (id, history, answer), in which that answer alone is supervised, its end of turn included.

    What comes before it are exactly the tokens that the model is asked with; the end of the turn comes last.
    """
    rows = []
    for name, messages, answer in asked:
        example = builder.example([*messages, Message("assistant", answer)])
        supervised = np.asarray(example.labels) != IGNORED_LABEL
        supervised[: len(builder.prompt(messages))] = False
        end = np.flatnonzero(supervised)[-1] + 1
        rows.append(Row(name, np.asarray(example.input_ids[:end], dtype=np.int32), supervised[:end]))
    return rows


class Collator:
    """Makes one batch of some rows: padded on the right, or one after the other in a single row (padding-free).

    Padding carries no label and needs no mask: it comes last, and attention looks back only, so no token sees it;
    without a mask attention takes its quicker causal form. In a padding-free row the positions begin at 0 with each
    dialogue, which is how transformers keeps dialogues from seeing each other.
    """

    def __init__(self, pad_token_id: int, *, padding_free: bool = False, filler: Row | None = None) -> None:
        self.pad_token_id, self.padding_free = pad_token_id, padding_free
        self.filler = filler and filler._replace(supervised=np.zeros_like(filler.supervised))

    def __call__(self, rows: Sequence[Row]) -> dict[str, Any]:
        """The batch; of no rows, one without labels, for a process that has no example of its own in a step.

        Returns:
            ``input_ids`` and ``labels`` (rows, time); ``position_ids`` of the same shape where padding-free;
            ``positions`` (supervised,): where, in the flattened batch, the next token is a label; ``record_ids``.
        """
        import torch

        rows = rows or [self.filler] if self.filler else rows
        width = max(len(row.input_ids) for row in rows)
        shape = (1, sum(len(row.input_ids) for row in rows)) if self.padding_free else (len(rows), width)
        input_ids = np.full(shape, self.pad_token_id, dtype=np.int64)
        labels = np.full(shape, IGNORED_LABEL, dtype=np.int64)
        order = np.zeros(shape, dtype=np.int64)
        start = 0
        for number, row in enumerate(rows):
            place, length = (0 if self.padding_free else number), len(row.input_ids)
            here = slice(start, start + length)
            input_ids[place, here] = row.input_ids
            labels[place, here] = np.where(row.supervised, row.input_ids, IGNORED_LABEL)
            order[place, here] = np.arange(length)
            start += length if self.padding_free else 0
        batch: dict[str, Any] = {"input_ids": input_ids, "labels": labels}
        if self.padding_free:
            batch["position_ids"] = order
        batch["positions"] = np.flatnonzero(labels.reshape(-1) != IGNORED_LABEL) - 1
        tensors: dict[str, torch.Tensor] = {key: torch.from_numpy(value) for key, value in batch.items()}
        return {**tensors, "record_ids": [row.id for row in rows]}
