"""Batched decoding with ``transformers``: rows that have ended make room for prompts that wait.

``generate`` runs until a share of the batch has ended; those answers are handed out, prompts that wait take their
places, and decoding goes on from the cache. Prompts that are the beginning of another one, as the turns of one dialogue
are, share its prefill. A batch that does not fit in memory is asked again in halves.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mentalft.data.thinking import AROUND_THINKING, THINK, opens_thinking, response
from mentalft.generation.decoding import Decoding, choose
from mentalft.generation.memory import smaller
from mentalft.generation.rows import Row, families, padded_left
from mentalft.records import Prompt, Response

if TYPE_CHECKING:
    import torch

ENDED = 0.25
"""The share of a batch that has ended when the rest makes a pause."""
PROMPT_END = 16
"""Tokens of a prompt's end that are looked at."""
LESS = "lower data.max_length or eval.max_new_tokens, or on a GPU use model.quantization=4bit"


def generate(
    model: Any, tokenizer: Any, prompts: Sequence[Prompt], decoding: Decoding, end_ids: list[int], batch_size: int
) -> Iterator[Response]:
    """Yield one response a prompt as it ends, long prompts first.

    Neither the neighbours in a batch nor its size decide what is answered (in half precision, up to rounding).

    Args:
        end_ids: every token id that ends an answer.
        batch_size: prompts decoded together; halved where memory runs out.

    Raises:
        UserError: not even one prompt fits in memory.
    """
    waiting = deque(prompt for family in families(prompts) for prompt in family)
    batch = Batch(model, tokenizer.pad_token_id, decoding, end_ids)
    while waiting or batch.rows:
        room = batch_size - len(batch.rows)
        new = [waiting.popleft() for _ in range(min(room, len(waiting)))]
        unfinished = [*(row.prompt for row in batch.rows), *new]
        try:
            ended = batch.advance(new)
        except Exception as error:
            batch_size = smaller(error, len(unfinished), "prompts", LESS)
            waiting.extendleft(reversed(unfinished))
            batch = Batch(model, tokenizer.pad_token_id, decoding, end_ids)
            continue
        for row in ended:
            yield response_of(row.prompt, row.said, tokenizer, set(end_ids))


@dataclass
class Batch:
    """Rows on their way and the cache of all their tokens but the last."""

    model: Any
    pad_id: int
    decoding: Decoding
    end_ids: list[int]
    rows: list[Row] = field(default_factory=list)
    cache: Any = None
    width: int = 0
    """Tokens of a row in the cache, padding included."""
    streamer: Any = None
    """Of transformers: handed the tokens of a batch of one as they come."""
    stopping: Sequence[Callable[..., torch.Tensor]] = ()
    """Further stopping criteria of transformers."""

    def advance(self, new: list[Prompt]) -> list[Row]:
        """Let ``new`` in, decode until a share of the rows has ended, and take those out."""
        import torch

        from mentalft.generation.rows import let_in

        with torch.inference_mode():
            self.cache = let_in(self.model, self.pad_id, self.cache, self.width, self.rows, new)
            self.rows = [*self.rows, *(Row(p, self.decoding.uniforms(p.id)) for p in new)]
            ids, mask = padded_left([row.tokens for row in self.rows], self.pad_id, self.model.device)
            config = self._config()
            self.model.generation_config = config  # transformers fills what a config leaves open from the model's own
            out = self.model.generate(
                generation_config=config,
                input_ids=ids,
                attention_mask=mask,
                past_key_values=self.cache,
                logits_processor=[_chooser(self.rows, ids, self.decoding)] if self.decoding.do_sample else [],
                stopping_criteria=[*self.stopping, *([_share_ended(self.end_ids)] if self.cache is not None else [])],
                streamer=self.streamer,
            )
        self.width = out.shape[1] - 1
        ended = [
            row for row, said in zip(self.rows, out[:, ids.shape[1] :].tolist(), strict=True) if self._add(row, said)
        ]
        for place, row in enumerate(self.rows):
            row.place = place
        self.rows = [row for row in self.rows if row not in ended]
        return ended

    def _add(self, row: Row, said: list[int]) -> bool:
        """Whether the row has ended with what it ``said`` now; what comes after the end is padding."""
        row.said += said
        return len(row.said) >= self.decoding.max_new_tokens or not set(self.end_ids).isdisjoint(said)

    def _config(self) -> Any:
        """All settings stated, so that nothing of a model's own ``generation_config.json`` slips in.

        Greedy also when sampling: the processor has chosen by then.
        """
        from transformers import GenerationConfig

        return GenerationConfig(
            bos_token_id=self.model.generation_config.bos_token_id,
            eos_token_id=self.end_ids,
            pad_token_id=self.pad_id,
            max_new_tokens=self.decoding.max_new_tokens - max(len(row.said) for row in self.rows),
            do_sample=False,
        )


def _chooser(rows: list[Row], ids: torch.Tensor, decoding: Decoding) -> Callable[..., torch.Tensor]:
    """A logits processor that leaves one token to choose."""
    import torch

    start = ids.shape[1]
    left = decoding.max_new_tokens - max(len(row.said) for row in rows)
    drawn = [torch.from_numpy(row.uniforms[len(row.said) :][:left]) for row in rows]
    uniforms = torch.stack(drawn).to(ids.device)  # (batch, new tokens of this turn)

    def processor(input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        chosen = choose(scores, uniforms[:, input_ids.shape[1] - start], decoding)
        return scores.fill_(-math.inf).scatter_(1, chosen.unsqueeze(1), 0.0)

    return processor


def _share_ended(end_ids: list[int]) -> Callable[..., torch.Tensor]:
    """A stopping criterion for the whole batch; it never asks the device for a number, which would make it wait."""
    import torch

    ended: list[torch.Tensor] = []

    def criterion(input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:  # noqa: ARG001
        now = torch.isin(input_ids[:, -1], torch.tensor(end_ids, device=input_ids.device))
        ended[:] = [now | ended[0] if ended else now]
        return (ended[0].sum() >= ENDED * len(now)).expand(len(now))

    return criterion


def response_of(prompt: Prompt, tokens: list[int], tokenizer: Any, end_ids: set[int]) -> Response:
    """The answer in ``tokens``, up to the first of ``end_ids``."""
    end = next((i for i, token in enumerate(tokens) if token in end_ids), None)
    answer = tokens if end is None else tokens[:end]
    text = tokenizer.decode([token for token in answer if token not in _unspoken(tokenizer)])
    if opens_thinking(tokenizer.decode(prompt.tokens[-PROMPT_END:])):
        text = THINK + text
    finish_reason = "length" if end is None else "stop"
    return response(prompt.id, prompt.sha256, text, finish_reason, len(tokens) if end is None else end + 1)


@lru_cache(4)
def _unspoken(tokenizer: Any) -> frozenset[int]:
    """The special tokens, which are no part of a text, without those that stand around thinking."""
    added = tokenizer.added_tokens_decoder.items()
    return frozenset(number for number, token in added if token.special and token.content not in AROUND_THINKING)
