"""Batched decoding with ``transformers``: prompts sorted by length, padded on the left, new text alone decoded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from mentalft.records import Response

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Decoding:
    """How answers are decoded; part of every score's signature."""

    max_new_tokens: int
    do_sample: bool
    temperature: float
    top_p: float
    seed: int

    def __str__(self) -> str:
        if not self.do_sample:
            return f"greedy, max_new_tokens={self.max_new_tokens}"
        return (
            f"sampled, temperature={self.temperature:g}, top_p={self.top_p:g}, seed={self.seed}, "
            f"max_new_tokens={self.max_new_tokens}"
        )


class Prompt(NamedTuple):
    id: str
    sha256: str
    tokens: list[int]


def generate(
    model: Any, tokenizer: Any, prompts: Sequence[Prompt], decoding: Decoding, end_ids: list[int], batch_size: int
) -> Iterator[Response]:
    """Yield one response a prompt, longest prompts first (a batch that does not fit in memory fails at once).

    Args:
        end_ids: every token id that ends an answer.
    """
    import torch

    ordered = sorted(prompts, key=lambda p: len(p.tokens), reverse=True)
    config = _generation_config(model, tokenizer, decoding, end_ids)
    for start in range(0, len(ordered), batch_size):
        batch = ordered[start : start + batch_size]
        input_ids, attention_mask = _padded_left(batch, tokenizer.pad_token_id, model.device)
        torch.manual_seed(decoding.seed + start)
        with torch.inference_mode():
            output = model.generate(input_ids=input_ids, attention_mask=attention_mask, generation_config=config)
        new = output[:, input_ids.shape[1] :].tolist()  # (batch, new tokens)
        for prompt, tokens in zip(batch, new, strict=True):
            yield _response(prompt, tokens, tokenizer, set(end_ids))


def _generation_config(model: Any, tokenizer: Any, decoding: Decoding, end_ids: list[int]) -> Any:
    """All settings stated, so that nothing of a model's own ``generation_config.json`` slips in."""
    from transformers import GenerationConfig

    sampling = {"temperature": decoding.temperature, "top_p": decoding.top_p, "top_k": 0} if decoding.do_sample else {}
    model.generation_config = GenerationConfig(
        bos_token_id=model.generation_config.bos_token_id,
        eos_token_id=end_ids,
        pad_token_id=tokenizer.pad_token_id,
        max_new_tokens=decoding.max_new_tokens,
        do_sample=decoding.do_sample,
        **sampling,
    )
    return model.generation_config


def _padded_left(batch: Sequence[Prompt], pad_id: int, device: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """``input_ids`` and ``attention_mask``, each (batch, time of the longest)."""
    import torch

    width = max(len(p.tokens) for p in batch)
    ids = [[pad_id] * (width - len(p.tokens)) + p.tokens for p in batch]
    mask = [[0] * (width - len(p.tokens)) + [1] * len(p.tokens) for p in batch]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


def _response(prompt: Prompt, tokens: list[int], tokenizer: Any, end_ids: set[int]) -> Response:
    end = next((i for i, token in enumerate(tokens) if token in end_ids), None)
    answer = tokens if end is None else tokens[:end]
    return Response(
        id=prompt.id,
        prompt_sha256=prompt.sha256,
        text=tokenizer.decode(answer, skip_special_tokens=True).strip(),
        finish_reason="length" if end is None else "stop",
        tokens=len(tokens) if end is None else end + 1,
    )
