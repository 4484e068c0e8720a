"""One answer while it is written: the same decoding as an evaluation's, handed on token by token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from queue import SimpleQueue
from threading import Event
from typing import TYPE_CHECKING, Any

from mentalft.generation.batched import LESS, Batch, response_of
from mentalft.generation.decoding import Decoding
from mentalft.generation.memory import smaller
from mentalft.generation.rows import Row
from mentalft.records import Prompt, Response

if TYPE_CHECKING:
    import torch

GROWING, STOPPED = "growing", "stopped"
"""Finish reasons of an answer that is being written, and of one that the user ended."""
HALF = "\N{REPLACEMENT CHARACTER}"
"""What is decoded from a character of which not all tokens are there yet."""


def stream(
    model: Any,
    tokenizer: Any,
    prompt: Prompt,
    decoding: Decoding,
    end_ids: list[int],
    stopped: Callable[[], bool],
    as_asked: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Iterator[Response]:
    """Yield the answer as it grows, at last as :func:`mentalft.generation.batched.generate` gives it.

    The model works in a thread of its own, which has ended when this generator has, however it ends.

    Args:
        end_ids: every token id that ends an answer.
        stopped: whether the user wants no more of it; looked at after each token.
        as_asked: the state in which the model is to be asked. The thread enters and leaves it, so that it is left even
            where nobody reads on.

    Raises:
        UserError: the prompt does not fit in memory.
    """
    pieces: SimpleQueue[list[int] | None] = SimpleQueue()
    left = Event()

    def wants_no_more(input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:  # noqa: ARG001
        return input_ids.new_full((len(input_ids),), left.is_set() or stopped()).bool()

    batch = Batch(
        model, tokenizer.pad_token_id, decoding, end_ids, streamer=_Streamer(pieces), stopping=[wants_no_more]
    )

    def advance() -> list[Row]:
        with as_asked():
            return batch.advance([prompt])

    said: list[int] = []
    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(advance)
        work.add_done_callback(lambda _: pieces.put(None))
        try:
            while (tokens := pieces.get()) is not None:
                said += tokens
                if pieces.empty():
                    so_far = response_of(prompt, said, tokenizer, set(end_ids))
                    yield replace(so_far, text=so_far.text.rstrip(HALF), finish_reason=GROWING)
        finally:
            left.set()
    if error := work.exception():
        if isinstance(error, Exception):
            smaller(error, 1, "prompts", LESS)
        raise error
    ended = bool(work.result())
    whole = response_of(prompt, said, tokenizer, set(end_ids))
    yield whole if ended else replace(whole, finish_reason=STOPPED)


class _Streamer:
    """What transformers hands tokens to: first the prompt's (batch, time), then each new one (batch,)."""

    def __init__(self, pieces: SimpleQueue[list[int] | None]) -> None:
        self.pieces, self.prompt_is_past = pieces, False

    def put(self, tokens: torch.Tensor) -> None:
        if self.prompt_is_past:
            self.pieces.put(tokens.tolist())
        self.prompt_is_past = True

    def end(self) -> None:
        """The thread's own end counts."""
