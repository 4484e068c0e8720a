"""Training examples as a person can check them: what is supervised, in colour."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from rich.text import Text

from mentalft.data.batches import Row


def preview(row: Row, tokenizer: Any) -> Text:
    """The decoded example; supervised stretches in green, the rest dim. Special tokens are shown."""
    text = Text()
    for supervised, piece in _stretches(row, tokenizer):
        text.append(piece, style="bold green" if supervised else "dim")
    return text


def preview_lines(row: Row, tokenizer: Any) -> str:
    """The same where there is no colour: supervised stretches stand between ⟦ and ⟧."""
    return "".join(f"⟦{piece}⟧" if supervised else piece for supervised, piece in _stretches(row, tokenizer))


def _stretches(row: Row, tokenizer: Any) -> Iterator[tuple[bool, str]]:
    for supervised, pairs in groupby(zip(row.supervised.tolist(), row.input_ids.tolist(), strict=True), lambda p: p[0]):
        yield supervised, tokenizer.decode([token for _, token in pairs])
