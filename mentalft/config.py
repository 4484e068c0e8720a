"""The typed configuration: names, types, units and bounds. Values live in ``conf/`` alone.

A field without a bound says ``MISSING``; a number carries its bounds in the field's metadata,
and :func:`problems` reports every value that breaks one, all at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal, Optional

from omegaconf import MISSING

STAGES = ("prepare", "train", "evaluate", "compare")
METRICS = ("bleu", "rouge1", "rouge2", "rougeL", "cosine", "length")
EMBEDDED = "embedded"
FORMATS = (
    "auto", "soulchat", "chatml", "emollm", "sharegpt", "alpaca", "smilechat", "cpsycound", "cpsycoune", "psyqa",
    "esconv", "table",
)  # fmt: skip


def number(
    *, ge: float | None = None, gt: float | None = None, le: float | None = None, lt: float | None = None
) -> Any:
    """A field whose value must respect the given bounds; its value comes from YAML."""
    bounds = {"at least": ge, "above": gt, "at most": le, "below": lt}
    return field(default=MISSING, metadata={k: v for k, v in bounds.items() if v is not None})


@dataclass
class DataConfig:
    name: str = MISSING
    """Short name, shown in tables and recorded in the manifest."""
    path: str = MISSING
    """A file, folder or pattern; ``hf://OWNER/NAME/FILE`` or ``modelscope://OWNER/NAME/FILE``; or ``embedded``."""
    sources: list[Any] = MISSING
    """Several corpora in place of ``path``: paths, or mappings of ``path`` with ``name, format, max_dialogues, weight,
    licence, homepage, sha256``. A weight says how often a training dialogue of a source stands in the train split."""
    format: Literal[
        "auto", "soulchat", "chatml", "emollm", "sharegpt", "alpaca", "smilechat", "cpsycound", "cpsycoune", "psyqa",
        "esconv", "table",
    ] = MISSING  # fmt: skip
    """Form of the records; ``auto`` looks at the first ones."""
    columns: dict[str, Any] = MISSING
    """Of a table: the names of its columns for ``question, answer, title, system, topic, id``; usual ones are found."""
    sha256: Optional[str] = MISSING
    """What a downloaded file must hash to; null takes what the hub states."""
    leading_assistant: Literal["drop", "keep"] = MISSING
    """What to do with assistant turns before the first user turn; kept ones are context, never trained on."""
    max_rejected: float = number(ge=0, le=1)
    """Stop when a larger share of the records cannot be used."""
    privacy: Literal["redact", "report", "off"] = MISSING
    """Replace personal data by placeholders, count it only, or do not look."""
    hotlines: list[str] = MISSING
    """Numbers that are no personal data."""
    external_tests: list[str] = MISSING
    """Files of test dialogues that the train split is checked against, besides the question bank."""
    max_overlap: float = number(ge=0, le=1)
    """Stop when a larger share of the question bank or of an external test set is in the train split."""
    num_proc: Optional[int] = number(ge=1)
    """Processes that read; null is one a core. The result is the same."""
    system_message: Optional[str] = MISSING
    """Put before every dialogue that has no system message of its own; null adds none."""
    validation_fraction: float = number(gt=0, lt=1)
    """Share of dialogues held out to choose checkpoints and settings by."""
    test_fraction: float = number(gt=0, lt=1)
    """Share of dialogues held out for the comparison alone."""
    split_seed: int = number(ge=0)
    """Decides which dialogue goes where; apart from ``seed`` so that runs with several seeds share a test set."""
    max_length: int = number(ge=16)
    """Longest training example and longest prompt, in tokens; older turns are dropped first."""
    max_dialogues: Optional[int] = number(ge=3)
    """Read at most this many dialogues, from the front of the file; null reads all."""
    licence: str = MISSING
    """Terms of the data set, recorded in the manifest and the model card."""
    homepage: Optional[str] = MISSING
    """Where the data set comes from, recorded in the manifest."""


@dataclass
class ModelConfig:
    name: str = MISSING
    """Short name, shown in tables."""
    name_or_path: str = MISSING
    """A local folder, a hub id, or ``embedded`` for the tiny model that comes with the package."""
    revision: Optional[str] = MISSING
    """Branch, tag or commit on the hub; null is the default branch. The commit used is recorded."""
    hub: Literal["huggingface", "modelscope"] = MISSING
    """Where a hub id is looked up."""
    attn_implementation: Literal["sdpa", "eager", "flash_attention_2"] = MISSING
    """Attention kernel, as in transformers."""
    chat_template_kwargs: dict[str, Any] = MISSING
    """Extra variables for the tokenizer's chat template, such as a fixed date."""


@dataclass
class LoraConfig:
    r: int = number(ge=1, le=1024)
    """Rank of the update."""
    lora_alpha: float = number(gt=0)
    """The update is scaled by ``lora_alpha / r``."""
    lora_dropout: float = number(ge=0, lt=1)
    """Dropout before the first LoRA matrix."""
    target_modules: list[str] = MISSING
    """Names of the linear layers to adapt; ``[all-linear]`` for every one but the output head."""


@dataclass
class TrainerConfig:
    """The same names as ``transformers.TrainingArguments`` where the thing is the same."""

    num_train_epochs: float = number(gt=0)
    max_steps: int = number(ge=-1)
    """Optimizer steps; -1 trains for ``num_train_epochs``."""
    per_device_train_batch_size: int = number(ge=1)
    """In dialogues."""
    per_device_eval_batch_size: int = number(ge=1)
    """In dialogues."""
    gradient_accumulation_steps: int = number(ge=1)
    learning_rate: float = number(gt=0, le=1)
    lr_scheduler_type: Literal["linear", "cosine", "constant", "constant_with_warmup"] = MISSING
    warmup_ratio: float = number(ge=0, lt=1)
    """Share of all optimizer steps over which the learning rate rises from 0."""
    weight_decay: float = number(ge=0, le=1)
    max_grad_norm: float = number(gt=0)
    optim: Literal["adamw_torch", "adamw_torch_fused"] = MISSING
    precision: Literal["auto", "fp16", "bf16", "fp32"] = MISSING
    """``auto`` is fp16 on CUDA and fp32 on a CPU. LoRA weights stay in fp32 throughout."""
    gradient_checkpointing: bool = MISSING
    """Recompute activations in the backward pass: less memory, about a third more time."""
    train_sampling_strategy: Literal["random", "group_by_length"] = MISSING
    logging_steps: int = number(ge=1)
    """In optimizer steps, like the next two."""
    eval_steps: int = number(ge=1)
    save_steps: int = number(ge=1)
    """A multiple of ``eval_steps``, so that every checkpoint has a validation loss."""
    save_total_limit: int = number(ge=1)
    """Checkpoints kept, the best among them."""


@dataclass
class EvalConfig:
    items: Literal["test", "bank"] = MISSING
    """What is asked: the held-out dialogues, or the embedded bank of textbook questions."""
    turns: Literal["last_turn", "every_turn"] = MISSING
    """Which assistant turns of a held-out dialogue are asked for, each with the true history before it."""
    max_items: Optional[int] = number(ge=2)
    """Ask at most this many; whole dialogues are taken, in a seeded order. Null asks all."""
    max_new_tokens: int = number(ge=1)
    do_sample: bool = MISSING
    """False is greedy decoding, the only kind whose answers do not depend on a seed."""
    temperature: float = number(gt=0)
    top_p: float = number(gt=0, le=1)
    batch_size: int = number(ge=1)
    """Prompts decoded together."""
    metrics: list[str] = MISSING
    """Names from ``bleu, rouge1, rouge2, rougeL, cosine, length``."""
    embedder: str = MISSING
    """A sentence-transformers name or folder for ``cosine``, or ``embedded``."""
    bootstrap_resamples: int = number(ge=100)
    confidence: float = number(gt=0.5, lt=1)
    """Coverage of the intervals."""
    objective: Literal["validation_loss"] = MISSING
    """What a sweep minimises; measured on the validation split, never on the test split."""
    adapter: Optional[str] = MISSING
    """A PEFT adapter folder to evaluate instead of the one that this run trains."""


@dataclass
class TrackingConfig:
    mode: Literal["auto", "online", "offline", "disabled"] = MISSING
    """``auto`` is online when a key and a network are there, else offline."""
    project: str = MISSING
    entity: Optional[str] = MISSING
    name: Optional[str] = MISSING
    """Name of the run; null lets the run directory name it."""
    tags: list[str] = MISSING
    log_text: bool = MISSING
    """Whether dialogue text may go to W&B."""
    init_timeout: int = number(ge=1)
    """Seconds to wait for the W&B server before the run goes on offline."""


@dataclass
class Config:
    stages: list[str] = MISSING
    """Which of ``prepare, train, evaluate, compare`` to run; what is left out is taken from ``run_dir``."""
    seed: int = number(ge=0, lt=2**32)
    """Seeds initialisation, data order, dropout, sampling and the bootstrap."""
    run_dir: Optional[str] = MISSING
    """Continue the run in this directory; null starts a new one under ``outputs/``."""
    cache: bool = MISSING
    """Share base-model answers between runs through ``cache_dir``."""
    cache_dir: Optional[str] = MISSING
    """Null is ``mentalft`` in the user's cache folder."""
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    lora: LoraConfig = field(default_factory=LoraConfig)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    eval: EvalConfig = field(default_factory=EvalConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)


def problems(cfg: Any, prefix: str = "") -> list[str]:
    """Every value of ``cfg`` that is missing or out of range, one sentence each; empty when all is well.

    ``cfg`` is a :class:`Config` instance as OmegaConf builds it (``OmegaConf.to_object``).
    """
    return [*_field_problems(cfg, prefix), *(_cross_problems(cfg) if isinstance(cfg, Config) else [])]


def _field_problems(node: Any, prefix: str) -> Iterator[str]:
    for spec in fields(node):
        key, value = f"{prefix}{spec.name}", getattr(node, spec.name)
        if is_dataclass(value):
            yield from _field_problems(value, f"{key}.")
        elif value == MISSING:
            yield f"{key} has no value; give one: {key}=VALUE"
        elif value is not None:
            yield from _bound_problems(key, value, dict(spec.metadata))


def _bound_problems(key: str, value: float, bounds: dict[str, float]) -> Iterator[str]:
    holds = {
        "at least": lambda bound: value >= bound,
        "above": lambda bound: value > bound,
        "at most": lambda bound: value <= bound,
        "below": lambda bound: value < bound,
    }
    broken = [word for word, bound in bounds.items() if not holds[word](bound)]
    if broken:
        accepted = " and ".join(f"{word} {bound:g}" for word, bound in bounds.items())
        yield f"{key} must be {accepted}, got {value:g}"


def _cross_problems(cfg: Config) -> Iterator[str]:
    yield from _choice_problems("stages", cfg.stages, STAGES)
    yield from _choice_problems("eval.metrics", cfg.eval.metrics, METRICS)
    if not cfg.lora.target_modules:
        yield "lora.target_modules is empty; name layers such as [q_proj, v_proj], or [all-linear]"
    yield from _source_problems(cfg.data.sources)
    held_out = (cfg.data.validation_fraction, cfg.data.test_fraction)
    if all(isinstance(f, float) for f in held_out) and sum(held_out) >= 1:
        yield (
            "data.validation_fraction + data.test_fraction must be below 1 to leave something to train on, "
            f"got {held_out[0]:g} + {held_out[1]:g}"
        )
    if cfg.trainer.eval_steps > 0 and cfg.trainer.save_steps % cfg.trainer.eval_steps:
        yield (
            f"trainer.save_steps must be a multiple of trainer.eval_steps ({cfg.trainer.eval_steps}) "
            f"so that the best checkpoint can be kept, got {cfg.trainer.save_steps}"
        )
    if cfg.trainer.max_steps == 0:
        yield "trainer.max_steps must be -1 (train for num_train_epochs) or at least 1, got 0"


def _source_problems(sources: list[Any]) -> Iterator[str]:
    known = {"path", "name", "format", "max_dialogues", "weight", "licence", "homepage", "sha256"}
    names = []
    for place, spec in enumerate(sources):
        key = f"data.sources[{place}]"
        if not isinstance(spec, str | dict) or (isinstance(spec, dict) and not isinstance(spec.get("path"), str)):
            yield f"{key} must be a path, or a mapping with a path such as {{path: a.json, weight: 2}}, got {spec!r}"
            continue
        if isinstance(spec, dict):
            if unknown := sorted(map(str, spec.keys() - known)):
                yield f"{key}: no such key {', '.join(unknown)}; accepted are {', '.join(sorted(known))}"
            if spec.get("format") not in (None, *FORMATS):
                yield f"{key}.format={spec['format']}: accepted are {', '.join(FORMATS)}"
            for name, least in (("weight", 0), ("max_dialogues", 1)):
                value = spec.get(name, 1)
                if isinstance(value, bool) or not isinstance(value, int | float) or value < least:
                    yield f"{key}.{name} must be a number, at least {least}, got {value!r}"
        names.append(source_name(spec))
    for name in sorted({n for n in names if names.count(n) > 1}):
        yield f"data.sources: two are called {name!r}; give each a name of its own"


def source_name(spec: str | dict[str, Any]) -> str:
    """What a source is called: its ``name``, or the last part of its path."""
    path = spec if isinstance(spec, str) else str(spec["path"])
    given = None if isinstance(spec, str) else spec.get("name")
    return str(given or path.rstrip("/").rpartition("/")[2] or path)


def _choice_problems(key: str, chosen: list[str], known: tuple[str, ...]) -> Iterator[str]:
    from difflib import get_close_matches

    if not chosen:
        yield f"{key} is empty; choose from {', '.join(known)}"
    for name in chosen:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            yield f"{key} holds {name!r}; accepted are {', '.join(known)}{hint}"
    for name in sorted({name for name in chosen if chosen.count(name) > 1}):
        yield f"{key} names {name!r} twice"
