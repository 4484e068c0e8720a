"""What is exported, and what was evaluated, as a run has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from mentalft.config import Config
from mentalft.config.composition import typed_config
from mentalft.config.contenders import specs
from mentalft.config.schema import last_part
from mentalft.data.asking import questions_of
from mentalft.data.prepare import splits_in
from mentalft.data.prompts import PromptBuilder, arranged
from mentalft.errors import DataError, ModelError, first_line
from mentalft.files import sha256_folder
from mentalft.generation.contenders import Contender, adapter_in, contenders_of, loads_model, models
from mentalft.generation.decoding import Decoding
from mentalft.modeling.base import load_base_model, load_tokenizer, stated_end_token_ids
from mentalft.modeling.locate import LocatedModel, locate_model
from mentalft.modeling.precision import PrecisionPlan
from mentalft.records import Prompt, Response
from mentalft.runs.files import responses
from mentalft.runs.markers import Marker, Record, markers

PRECISIONS = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}
AGAIN = "evaluate again, then export"


@dataclass(frozen=True)
class Source:
    """One adapter contender of a run, on the base as it is on disk: unquantised."""

    run_dir: Path
    cfg: Config
    """That of the evaluate stage."""
    record: Record
    """Likewise."""
    contender: Contender
    prompts: list[Prompt]
    """Some of those that it was asked, spread over them evenly, with their messages."""
    evaluated: Mapping[str, Response]
    """Prompt id → what it answered then."""
    adapter_sha256: str

    @property
    def located(self) -> LocatedModel:
        assert self.contender.located is not None  # source_of has looked
        return self.contender.located

    @property
    def adapter(self) -> Path:
        assert self.contender.adapter is not None  # likewise
        return self.contender.adapter

    @property
    def base(self) -> str:
        """The base's hub id, or what its folder is called: no path of this machine."""
        name = self.located.name
        return last_part(str(Path(name).expanduser().resolve())) if Path(name).expanduser().is_dir() else name

    @property
    def evaluated_in(self) -> str:
        """The dtype of the base model when it was evaluated, such as ``float32``."""
        asked = self.cfg.trainer.precision
        return PRECISIONS[("fp16" if self.record.hardware.gpus else "fp32") if asked == "auto" else asked]

    @property
    def decoding(self) -> Decoding:
        """Greedy, as long as in the evaluation; where the run sampled, greedy too, for draws prove nothing."""
        return Decoding(self.cfg.eval.max_new_tokens, False, 1.0, 1.0, 0, self.cfg.seed)

    @cached_property
    def builder(self) -> PromptBuilder:
        """The run's own prompts, with its tokenizer and its chat template."""
        return PromptBuilder.of(self.cfg, load_tokenizer(self.cfg.model, self.located), self.located.name)

    @cached_property
    def end_ids(self) -> list[int]:
        """Every token that ended an answer in the evaluation."""
        return stated_end_token_ids(self.located, self.builder)

    def base_model(self, dtype: str, device: str) -> Any:
        """The base, newly loaded from the files that were evaluated, as they are there."""
        import torch

        plain = replace(self.cfg.model, quantization="none")
        if device == "cpu" and plain.attn_implementation == "flash_attention_2":
            plain = replace(plain, attn_implementation="sdpa")
        return load_base_model(plain, self.located, PrecisionPlan(dtype, device, getattr(torch, dtype)))


def source_of(run_dir: Path, name: str, prompts: int) -> Source:
    """Read ``run_dir``, and make sure that base, adapter and prompts are still those that were evaluated.

    Args:
        name: the contender.
        prompts: how many of those that it was asked.

    Raises:
        UserError: the run did not evaluate such a contender here, or something changed since.
    """
    from omegaconf.errors import OmegaConfBaseException

    marker = markers(run_dir).get("evaluate")
    if marker is None:
        raise DataError(
            f"{run_dir} has no evaluation, and without one there is nothing to prove an export by; give a run that got "
            "as far as evaluate, or add evaluate to its stages"
        )
    try:
        cfg = typed_config(marker.record.config)
    except OmegaConfBaseException as error:
        raise DataError(
            f"{run_dir}: its evaluation does not have the settings of this mentalft ({first_line(error)}); {AGAIN}, or "
            f"export with the version that made it: {marker.record.mentalft}"
        ) from error
    _check_contender(cfg, name)
    located = locate_model(cfg.model) if loads_model(cfg) else None
    contenders = contenders_of(cfg, located, lambda: adapter_in(run_dir))
    (contender,) = (one for one in contenders if one.name == name)
    found = Source(run_dir, cfg, marker.record, contender, [], {}, marker.made_from["adapter"][name])
    _check_unchanged(found, marker)
    tokenizers = {model: load_tokenizer(cfg.model, model) for model in models(contenders)}
    asked = questions_of(cfg, tokenizers, splits_in(run_dir)).prompts[found.located]
    answers = {answer.id: answer for answer in responses(name).load(run_dir)}
    controls = found.builder.frame.controls  # which only the run's own prompts take for text where somebody wrote them
    plain = [p for p in asked if not any(controls.search(m.content) for m in p.messages)] or asked
    chosen = plain[:: max(1, len(plain) // prompts)][:prompts]
    for prompt in chosen:
        if prompt.id not in answers or answers[prompt.id].prompt_sha256 != prompt.sha256:
            raise ModelError(
                f"{run_dir}: {prompt.id} is no longer the prompt that {name} was asked: the chat template, a "
                f"date that it writes, the tokenizer or the data changed since; {AGAIN}"
            )
    chosen = [p._replace(messages=tuple(arranged(p.messages, cfg.data.system_as))) for p in chosen]
    return replace(found, prompts=chosen, evaluated={prompt.id: answers[prompt.id] for prompt in chosen})


def _check_contender(cfg: Config, name: str) -> None:
    known = specs(cfg)
    if name not in known:
        raise DataError(f"--contender {name}: the run has no such contender; it has {', '.join(known)}")
    spec = known[name]
    exported = [n for n, s in known.items() if s.is_local and s.adapter]
    if name not in exported:
        what = "is a model as it is" if spec.is_local else "was answered by a server or a file"
        raise DataError(
            f"--contender {name} {what}, so that nothing of this run is to be exported; those with an adapter are "
            f"{', '.join(exported) or 'none'}"
        )


def _check_unchanged(source: Source, marker: Marker) -> None:
    name, located = source.contender.name, source.located
    if sha256_folder(source.adapter, ("adapter_*",)) != source.adapter_sha256:
        raise ModelError(f"{source.adapter} is no longer the adapter that was evaluated as {name}; {AGAIN}")
    then = str(marker.made_from["model.fingerprint"].get(located.name, "")).partition("+")[0]
    if then != located.fingerprint():
        raise ModelError(f"{located.folder} is no longer the base model that was evaluated; give that one, or {AGAIN}")
