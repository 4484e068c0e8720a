"""What answers: engines behind one signature."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple, Protocol

from mentalft.config import EvalConfig
from mentalft.generation.decoding import Decoding
from mentalft.records import Prompt, Response


class Engine(Protocol):
    """Two models, ``base`` and ``tuned``, that can be asked."""

    def ask(self, side: str, prompts: Sequence[Prompt]) -> Iterator[Response]:
        """Yield one response for each prompt as it comes, in any order."""
        ...


class Perplexed(NamedTuple):
    """How likely base and tuned find one reference: a row of ``responses/perplexity.jsonl``."""

    id: str
    tokens: int
    """Of the reference, the end of turn among them."""
    base_nll: float
    """Summed negative log likelihood in nats."""
    tuned_nll: float


class TransformersEngine:
    """One loaded model; ``base`` asks it with the adapter switched off."""

    def __init__(self, model: Any, tokenizer: Any, decoding: Decoding, end_ids: list[int], batch_size: int) -> None:
        self.model, self.tokenizer, self.decoding = model, tokenizer, decoding
        self.end_ids, self.batch_size = end_ids, batch_size

    def ask(self, side: str, prompts: Sequence[Prompt]) -> Iterator[Response]:
        from mentalft.generation.batched import generate

        with self._as(side):
            yield from generate(self.model, self.tokenizer, prompts, self.decoding, self.end_ids, self.batch_size)

    def measure(self, batch: dict[str, Any]) -> Iterator[Perplexed]:
        """The likelihood of the labels of each row of a batch (see :mod:`mentalft.generation.likelihood`)."""
        from mentalft.generation.likelihood import likelihoods

        found = {}
        for side in ("base", "tuned"):
            with self._as(side):
                found[side] = dict(likelihoods(self.model, batch))
        for name, base in found["base"].items():
            yield Perplexed(name, base.tokens, base.nll, found["tuned"][name].nll)

    def _as(self, side: str) -> Any:
        return self.model.disable_adapter() if side == "base" else nullcontext()


def check_engine(cfg: EvalConfig) -> None:
    """Refuse an ``eval.engine`` that cannot work here, before anything is written.

    Raises:
        ConfigError: its package or its key is missing.
    """
    if cfg.engine == "openai":
        from mentalft.generation.openai_engine import check_openai

        check_openai(cfg.openai)
    if cfg.engine == "vllm":
        from mentalft.generation.vllm_engine import check_vllm

        check_vllm()
