"""Decoding with vLLM (``mentalft[vllm]``): the same tokens in, the adapter through its LoRA support.

vLLM draws by a stream of its own for each prompt's seed, so sampled answers are reproducible but not those of the
``transformers`` engine. It needs a GPU.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mentalft.errors import ConfigError
from mentalft.files import read_json
from mentalft.generation.batched import response_of
from mentalft.generation.contenders import Contender
from mentalft.generation.decoding import Decoding
from mentalft.records import Prompt, Response


def check_vllm(adapters: Iterable[Path] = (), asked: str = "eval.engine=vllm") -> None:
    """Refuse vLLM where it cannot work.

    Args:
        asked: how it was asked for, for messages.

    Raises:
        ConfigError: there is no vllm, or an adapter is of a kind that it does not load.
    """
    if find_spec("vllm") is None:
        raise ConfigError(f"{asked} needs the vllm package: pip install 'mentalft[vllm]', or use transformers")
    for adapter in adapters:
        config = read_json(adapter / "adapter_config.json")
        for key, what in (("use_dora", "DoRA"), ("modules_to_save", "fully trained modules")):
            if config.get(key):
                raise ConfigError(f"{asked} loads no adapter with {what}, as {adapter} has; use transformers")


def model_arguments(
    folder: Path, adapters: Sequence[Path], dtype: str, max_length: int, decoding: Decoding
) -> dict[str, Any]:
    """What ``vllm.LLM`` is made with.

    Args:
        dtype: ``float16``, ``bfloat16`` or ``float32``.
        max_length: longest prompt, in tokens.
    """
    return {
        "model": str(folder),
        "tokenizer": str(folder),
        "dtype": dtype,
        "max_model_len": max_length + decoding.max_new_tokens,
        **lora_arguments(adapters),
        "generation_config": "vllm",  # nothing of the model's own settings slips in
        "trust_remote_code": False,
    }


def lora_arguments(adapters: Sequence[Path]) -> dict[str, Any]:
    """Of ``vllm.LLM``, and of ``vllm serve`` by the same names."""
    if not adapters:
        return {}
    ranks = [int(read_json(adapter / "adapter_config.json")["r"]) for adapter in adapters]
    return {"enable_lora": True, "max_loras": 1, "max_lora_rank": _rank_allowed(max(ranks))}


def sampling_arguments(decoding: Decoding, end_ids: Sequence[int], prompt_id: str) -> dict[str, Any]:
    """What ``vllm.SamplingParams`` is made with for one prompt."""
    common = {
        "max_tokens": decoding.max_new_tokens,
        "stop_token_ids": list(end_ids),
        "detokenize": False,
        "skip_special_tokens": False,
    }
    if not decoding.do_sample:
        return {**common, "temperature": 0.0}
    return {
        **common,
        "temperature": decoding.temperature,
        "top_p": decoding.top_p,
        "top_k": decoding.top_k,
        "seed": decoding.seed_of(prompt_id),
    }


class VllmEngine:
    """One loaded model; a contender with an adapter asks it through that."""

    def __init__(
        self, arguments: dict[str, Any], adapters: Sequence[Path], tokenizer: Any, decoding: Decoding,
        end_ids: list[int],
    ) -> None:  # fmt: skip
        check_vllm(adapters)
        from vllm import LLM

        self.model = LLM(**arguments)
        self.numbers = {adapter: number for number, adapter in enumerate(adapters, 1)}
        self.tokenizer, self.decoding, self.end_ids = tokenizer, decoding, end_ids

    def ask(self, contender: Contender, prompts: Sequence[Prompt]) -> Iterator[Response]:
        """Yield one response a prompt, in their order, when all are done."""
        from vllm import SamplingParams
        from vllm.lora.request import LoRARequest

        adapter = contender.adapter
        requests = self.model.generate(
            [{"prompt_token_ids": prompt.tokens} for prompt in prompts],
            [SamplingParams(**sampling_arguments(self.decoding, self.end_ids, prompt.id)) for prompt in prompts],
            lora_request=LoRARequest(contender.name, self.numbers[adapter], str(adapter)) if adapter else None,
            use_tqdm=False,
        )
        for prompt, request in zip(prompts, requests, strict=True):
            tokens = list(request.outputs[0].token_ids)
            yield response_of(prompt, tokens, self.tokenizer, set(self.end_ids))


def _rank_allowed(rank: int) -> int:
    """The smallest of the ranks that vLLM is built for which holds ``rank``.

    Raises:
        ConfigError: there is none.
    """
    allowed = [r for r in (8, 16, 32, 64, 128, 256, 320, 512) if r >= rank]
    if not allowed:
        raise ConfigError(f"eval.engine=vllm loads adapters up to rank 512, and this one has {rank}; use transformers")
    return allowed[0]
