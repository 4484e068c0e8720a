"""What answers: engines behind one signature."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from mentalft.config import Config, EvalConfig
from mentalft.data.batches import Row
from mentalft.data.prompts import PromptBuilder
from mentalft.generation.contenders import Contender
from mentalft.generation.decoding import Decoding
from mentalft.modeling.locate import LocatedModel
from mentalft.records import Perplexed, Prompt, Response


class Engine(Protocol):
    """Models that can be asked."""

    def ask(self, contender: Contender, prompts: Sequence[Prompt]) -> Iterator[Response]:
        """Yield one response for each prompt as it comes, in any order."""
        ...


class TransformersEngine:
    """One loaded model with any number of adapters, called by their folders; a contender without one asks it with all
    of them switched off."""

    def __init__(self, model: Any, tokenizer: Any, decoding: Decoding, end_ids: list[int], batch_size: int) -> None:
        self.model, self.tokenizer, self.decoding = model, tokenizer, decoding
        self.end_ids, self.batch_size = end_ids, batch_size
        self.lock = Lock()

    @classmethod
    def load(
        cls, cfg: Config, located: LocatedModel, adapters: Iterable[Path | None], decoding: Decoding
    ) -> TransformersEngine:
        """Load a model with ``adapters`` on it (None is the model as it is), in the precision of ``cfg``.

        Raises:
            ConfigError: the hardware lacks the precision.
            ModelError: model or adapter cannot be loaded, or do not fit together.
        """
        from mentalft.modeling.adapter import load_adapter
        from mentalft.modeling.base import end_token_ids, load_base_model, load_tokenizer
        from mentalft.modeling.precision import plan_precision

        tokenizer = load_tokenizer(cfg.model, located)
        model = load_base_model(cfg.model, located, plan_precision(cfg.trainer.precision))
        for adapter in dict.fromkeys(filter(None, adapters)):
            model = load_adapter(model, adapter, name=str(adapter))
        end_ids = end_token_ids(model, PromptBuilder.of(cfg, tokenizer, located.name))
        return cls(model, tokenizer, decoding, end_ids, cfg.eval.batch_size)

    def ask(self, contender: Contender, prompts: Sequence[Prompt]) -> Iterator[Response]:
        from mentalft.generation.batched import generate

        with self.answering_as(contender):
            yield from generate(self.model, self.tokenizer, prompts, self.decoding, self.end_ids, self.batch_size)

    def stream(
        self, contender: Contender, prompt: Prompt, decoding: Decoding, stopped: Callable[[], bool]
    ) -> Iterator[Response]:
        """Yield the answer to one prompt as it grows (see :mod:`mentalft.generation.streaming`)."""
        from mentalft.generation.streaming import stream

        yield from stream(
            self.model, self.tokenizer, prompt, decoding, self.end_ids, stopped, partial(self._alone, contender)
        )

    def measure(self, contenders: Sequence[Contender], rows: Sequence[Sequence[Row]]) -> Iterator[Perplexed]:
        """The likelihood of the labels of each row (see :func:`mentalft.generation.likelihood.likelihoods`)."""
        from mentalft.generation.likelihood import likelihoods

        found = {}
        for contender in contenders:
            with self.answering_as(contender):
                found[contender.name] = dict(likelihoods(self.model, self.tokenizer.pad_token_id, rows))
        for row, first in next(iter(found.values())).items():
            yield Perplexed(row, first.tokens, {name: of_rows[row].nll for name, of_rows in found.items()})

    @contextmanager
    def _alone(self, contender: Contender) -> Iterator[None]:
        """The model as one contender; others wait."""
        with self.lock, self.answering_as(contender):
            yield

    def answering_as(self, contender: Contender) -> Any:
        """While the block runs, the model is ``contender``."""
        if contender.adapter:
            self.model.set_adapter(str(contender.adapter))
        elif hasattr(self.model, "disable_adapter"):
            return self.model.disable_adapter()
        return nullcontext()


def check_engines(cfg: EvalConfig, engines: Collection[str | None]) -> None:
    """Refuse engines that cannot work here, before anything is written.

    Raises:
        ConfigError: a package or a key is missing.
    """
    if "openai" in engines:
        from mentalft.generation.openai_engine import check_openai

        check_openai(cfg.openai)
    if "vllm" in engines:
        from mentalft.generation.vllm_engine import check_vllm

        check_vllm()
