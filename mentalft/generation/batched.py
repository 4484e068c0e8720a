"""Batched decoding with ``transformers``: prompts sorted by length, padded on the left, new text alone decoded.

``generate`` runs until half of a batch has ended; the rest goes on from its cache as a smaller batch, so that a few
long answers do not keep many rows busy. A batch that does not fit in memory is asked again in halves.
"""

from __future__ import annotations

import gc
import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mentalft.console import say
from mentalft.errors import UserError
from mentalft.generation.decoding import Decoding, choose, uniforms_of
from mentalft.records import Prompt, Response

if TYPE_CHECKING:
    import torch


def generate(
    model: Any, tokenizer: Any, prompts: Sequence[Prompt], decoding: Decoding, end_ids: list[int], batch_size: int
) -> Iterator[Response]:
    """Yield one response a prompt as it ends, longest prompts first.

    Neither the neighbours in a batch nor its size decide what is answered (in half precision, up to rounding).

    Args:
        end_ids: every token id that ends an answer.
        batch_size: prompts decoded together; halved where memory runs out.

    Raises:
        UserError: not even one prompt fits in memory.
    """
    waiting = deque(sorted(prompts, key=lambda p: len(p.tokens), reverse=True))
    while waiting:
        rows = _Rows(model, tokenizer, [waiting.popleft() for _ in range(min(batch_size, len(waiting)))], decoding)
        while rows.prompts:
            try:
                ended = rows.advance(end_ids)
            except Exception as error:
                batch_size = _smaller(error, len(rows.prompts))
                waiting.extendleft(reversed(rows.prompts))
                break
            for prompt, tokens in ended:
                yield response_of(prompt, tokens, tokenizer, set(end_ids))
        del rows


class _Rows:
    """One batch on its way: the prompts that have not ended, what they said so far, and their cache."""

    def __init__(self, model: Any, tokenizer: Any, prompts: list[Prompt], decoding: Decoding) -> None:
        from mentalft.generation.kv_cache import growing_cache

        self.model, self.tokenizer, self.decoding, self.prompts = model, tokenizer, decoding, prompts
        self.width = max(len(p.tokens) for p in prompts)
        self.ids, self.mask = _padded_left(prompts, tokenizer.pad_token_id, model.device)
        self.cache = growing_cache(model.config)

    def advance(self, end_ids: list[int]) -> list[tuple[Prompt, list[int]]]:
        """Decode until half of the rows have ended; take those out, and return them with their new tokens."""
        import torch

        said = self.ids.shape[1] - self.width
        self.model.generation_config = self._config(end_ids, self.decoding.max_new_tokens - said)
        with torch.inference_mode():
            self.ids = self.model.generate(
                input_ids=self.ids,
                attention_mask=self.mask,
                past_key_values=self.cache,
                logits_processor=[_Chooser(self)] if self.decoding.do_sample else [],
                stopping_criteria=[_half_ended(end_ids)],
            )
            new = self.ids[:, self.width :]  # (batch, new tokens)
            ended = torch.isin(new, torch.tensor(end_ids, device=new.device)).any(dim=1)
            if new.shape[1] >= self.decoding.max_new_tokens:
                ended[:] = True
            is_ended = ended.tolist()
            taken = [(p, t) for p, t, done in zip(self.prompts, new.tolist(), is_ended, strict=True) if done]
            self._keep(~ended)
        self.prompts = [p for p, done in zip(self.prompts, is_ended, strict=True) if not done]
        return taken

    def _keep(self, rows: torch.Tensor) -> None:
        import torch

        added = self.ids.shape[1] - self.mask.shape[1]
        self.ids = self.ids[rows]
        self.mask = torch.nn.functional.pad(self.mask[rows], (0, added), value=1)
        if len(self.ids):
            self.cache.batch_select_indices(rows.nonzero().squeeze(1))

    def _config(self, end_ids: list[int], max_new_tokens: int) -> Any:
        """All settings stated, so that nothing of a model's own ``generation_config.json`` slips in.

        Greedy also when sampling: the processor has chosen by then.
        """
        from transformers import GenerationConfig

        return GenerationConfig(
            bos_token_id=self.model.generation_config.bos_token_id,
            eos_token_id=end_ids,
            pad_token_id=self.tokenizer.pad_token_id,
            max_new_tokens=max_new_tokens,
            do_sample=False,
        )


class _Chooser:
    """A logits processor that leaves one token to choose."""

    def __init__(self, rows: _Rows) -> None:
        import torch

        self.decoding, self.width = rows.decoding, rows.width
        self.uniforms = torch.from_numpy(uniforms_of(rows.prompts, rows.decoding)).to(rows.ids.device)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        chosen = choose(scores, self.uniforms[:, input_ids.shape[1] - self.width], self.decoding)
        return scores.fill_(-math.inf).scatter_(1, chosen.unsqueeze(1), 0.0)


def _half_ended(end_ids: list[int]) -> Callable[..., torch.Tensor]:
    """A stopping criterion for the whole batch; it never asks the device for a number, which would make it wait."""
    import torch

    ended: list[torch.Tensor] = []

    def criterion(input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:  # noqa: ARG001
        now = torch.isin(input_ids[:, -1], torch.tensor(end_ids, device=input_ids.device))
        ended[:] = [now | ended[0] if ended else now]
        return (2 * ended[0].sum() >= len(now)).expand(len(now))

    return criterion


def _padded_left(batch: Sequence[Prompt], pad_id: int, device: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """``input_ids`` and ``attention_mask``, each (batch, time of the longest)."""
    import torch

    width = max(len(p.tokens) for p in batch)
    ids = [[pad_id] * (width - len(p.tokens)) + p.tokens for p in batch]
    mask = [[0] * (width - len(p.tokens)) + [1] * len(p.tokens) for p in batch]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


def _smaller(error: Exception, rows: int) -> int:
    """Half of ``rows`` where ``error`` is lack of memory; any other error is raised."""
    from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size

    if not should_reduce_batch_size(error):
        raise error
    if rows == 1:
        raise UserError(
            "evaluate: out of memory with a single prompt; lower data.max_length or eval.max_new_tokens, "
            "or on a GPU use model.quantization=4bit"
        ) from error
    say(f"evaluate: out of memory; going on with {math.ceil(rows / 2)} prompts at a time", style="yellow")
    error.__traceback__ = None  # its frames hold the tensors that were too large
    gc.collect()
    clear_device_cache()
    return math.ceil(rows / 2)


def response_of(prompt: Prompt, tokens: list[int], tokenizer: Any, end_ids: set[int]) -> Response:
    """The answer in ``tokens``, up to the first of ``end_ids``."""
    end = next((i for i, token in enumerate(tokens) if token in end_ids), None)
    answer = tokens if end is None else tokens[:end]
    return Response(
        id=prompt.id,
        prompt_sha256=prompt.sha256,
        text=tokenizer.decode(answer, skip_special_tokens=True).strip(),
        finish_reason="length" if end is None else "stop",
        tokens=len(tokens) if end is None else end + 1,
    )
