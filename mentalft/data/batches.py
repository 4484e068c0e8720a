"""Training examples from dialogues, and batches from examples."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mentalft.data.prompts import IGNORED_LABEL, Example, PromptBuilder
from mentalft.files import read_jsonl
from mentalft.records import Dialogue

if TYPE_CHECKING:
    import torch


class Encoded(NamedTuple):
    examples: list[Example]
    cut: int
    """Dialogues that lost their oldest exchanges to fit."""
    dropped: int
    """Dialogues of which not even the last exchange fits."""


def encode_file(path: Path, builder: PromptBuilder, max_length: int) -> Encoded:
    """One example for each dialogue of a ChatML JSONL file, at most ``max_length`` tokens long."""
    return encode((Dialogue.from_json(row) for row in read_jsonl(path)), builder, max_length)


def encode(dialogues: Iterable[Dialogue], builder: PromptBuilder, max_length: int) -> Encoded:
    examples, cut, dropped = [], 0, 0
    for dialogue in dialogues:
        kept = builder.fit(dialogue.messages, max_length)
        if kept is None:
            dropped += 1
            continue
        cut += len(kept) < len(dialogue.messages)
        examples.append(builder.example(kept))
    return Encoded(examples, cut, dropped)


class Collator:
    """Pads a batch on the right; padding is masked from attention and carries no label."""

    def __init__(self, pad_token_id: int) -> None:
        self.pad_token_id = pad_token_id

    def __call__(self, examples: list[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
        """Tensors ``input_ids``, ``attention_mask`` and ``labels``, each (batch, time of the longest)."""
        import torch

        width = max(len(e["input_ids"]) for e in examples)

        def padded(rows: list[list[int]], filler: int) -> torch.Tensor:
            return torch.tensor([row + [filler] * (width - len(row)) for row in rows])

        return {
            "input_ids": padded([e["input_ids"] for e in examples], self.pad_token_id),
            "attention_mask": padded([[1] * len(e["input_ids"]) for e in examples], 0),
            "labels": padded([e["labels"] for e in examples], IGNORED_LABEL),
        }
