"""What a model thinks before it answers, taken apart from the answer: it is no part of what is scored."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from mentalft.records import Response

THINK = "<think>"
MARKERS = {
    THINK: "</think>",  # DeepSeek-R1, Qwen3, QwQ, GLM
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<reasoning>": "</reasoning>",
    "<seed:think>": "</seed:think>",
    "[THINK]": "[/THINK]",  # Magistral
    "◁think▷": "◁/think▷",  # Kimi
    "<|begin_of_thought|>": "<|end_of_thought|>",
    "<|channel|>analysis<|message|>": "<|channel|>final<|message|>",  # gpt-oss
}
"""What opens a block of thinking, and what closes it."""
AROUND_THINKING = frozenset({*MARKERS, *MARKERS.values()})
_MARKER = re.compile(f"({'|'.join(map(re.escape, (*MARKERS, *MARKERS.values())))})", re.IGNORECASE)
_OPENS = frozenset(map(str.lower, MARKERS))


class Apart(NamedTuple):
    answer: str
    thinking: str | None
    """None where there is no block, empty where the block is."""
    closed: bool
    """False where the text ends inside a block."""


def apart(text: str) -> Apart:
    """The answer in ``text`` without its blocks of thinking, wherever they stand.

    What stands before a block's end whose beginning is not there is thinking too: many templates open the block in the
    prompt.
    """
    answer: list[str] = []
    thought: list[str] = []
    thinks = False
    pieces = _MARKER.split(text)
    for place, piece in enumerate(pieces):
        if place % 2 == 0:
            (thought if thinks else answer).append(piece)
            continue
        if not thinks and piece.lower() not in _OPENS:
            thought, answer = [*thought, *answer], []
        thinks = piece.lower() in _OPENS
    thinking = "".join(thought).strip() if len(pieces) > 1 else None
    return Apart("".join(answer).strip(), thinking, not thinks)


def opens_thinking(prompt: str) -> bool:
    """Whether ``prompt`` ends inside a block, so that what follows is thinking."""
    return prompt.rstrip().lower().endswith(tuple(_OPENS))


def thinking_in(fields: Mapping[str, Any]) -> Any:
    """What a record of ours, or a server's message, holds of thinking apart from the text."""
    ours = fields.get("thinking")
    return ours if ours is not None else fields.get("reasoning_content") or fields.get("reasoning") or None


def response(
    id: str,
    prompt_sha256: str,
    text: str,
    finish_reason: str,
    tokens: int,
    *,
    thinking: object = None,
    refusal: str | None = None,
) -> Response:
    """The record of an answer as an engine, a server or a file gave it.

    An answer that ends inside its thinking was cut, whatever is said of its end.

    Args:
        text: with its thinking, if that is in it.
        thinking: what was thought, where it was given apart from the text.
        refusal: why a server gave no answer.
    """
    found = apart(text)
    parts = [part for part in (thinking, found.thinking) if isinstance(part, str)]
    return Response(
        id=id,
        prompt_sha256=prompt_sha256,
        text=found.answer,
        finish_reason=finish_reason if found.closed else "length",
        tokens=tokens,
        thinking="\n".join(parts).strip() if parts else None,
        refusal=refusal,
    )
