"""Training examples as a person can check them: what is supervised, in colour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.text import Text

from mentalft.data.batches import Row

LEARNT, CONTEXT = "bold green", "dim"


def print_preview(rows: Sequence[Row], tokenizer: Any, console: Console) -> None:
    """Print a legend and the examples; with brackets instead of colours where ``console`` is no terminal."""
    if not rows:
        return
    if console.is_terminal:
        green, rest = ("green", LEARNT), ("the rest", CONTEXT)
        console.print(Text.assemble("preview: ", green, " is learnt from, ", rest, " is what the model is given"))
        for row in rows:
            console.print(preview(row, tokenizer))
    else:
        console.print("preview: what stands between ⟦ and ⟧ is learnt from, the rest is what the model is given")
        for row in rows:
            console.print(preview_lines(row, tokenizer))


def preview(row: Row, tokenizer: Any) -> Text:
    """The decoded example; supervised stretches in green, the rest dim. Special tokens are shown."""
    text = Text()
    for supervised, piece in _stretches(row, tokenizer):
        text.append(piece, style=LEARNT if supervised else CONTEXT)
    return text


def preview_lines(row: Row, tokenizer: Any) -> str:
    """The same where there is no colour: supervised stretches stand between ⟦ and ⟧."""
    return "".join(f"⟦{piece}⟧" if supervised else piece for supervised, piece in _stretches(row, tokenizer))


def _stretches(row: Row, tokenizer: Any) -> Iterator[tuple[bool, str]]:
    for supervised, pairs in groupby(zip(row.supervised.tolist(), row.input_ids.tolist(), strict=True), lambda p: p[0]):
        yield supervised, tokenizer.decode([token for _, token in pairs])
