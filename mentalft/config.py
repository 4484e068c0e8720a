"""The typed configuration: names, types, units and bounds. Values live in ``conf/`` alone.

A field without a bound says ``MISSING``; a number carries its bounds in the field's metadata,
and :func:`mentalft.checks.problems` reports every value that breaks one, all at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Optional

from omegaconf import MISSING

STAGES = ("prepare", "preflight", "train", "evaluate", "compare")
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
    path: Optional[str] = MISSING
    """A file, folder or pattern; ``hf://OWNER/NAME/FILE`` or ``modelscope://OWNER/NAME/FILE``; or ``embedded``.
    Null where ``sources`` names several."""
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
    too_long: Literal["truncate", "drop", "error"] = MISSING
    """A training dialogue above ``max_length``: cut its oldest turns, leave it out, or stop."""
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
    quantization: Literal["none", "8bit", "4bit"] = MISSING
    """Load the frozen base with bitsandbytes (QLoRA); needs a CUDA GPU and ``mentalft[qlora]``."""


@dataclass
class LoraConfig:
    """The same names as ``peft.LoraConfig`` where the thing is the same."""

    method: Literal["lora", "full"] = MISSING
    """``full`` trains every weight, kept beside the base's in the adapter, so that one model is still both."""
    r: int = number(ge=1, le=1024)
    """Rank of the update."""
    lora_alpha: float = number(gt=0)
    """The update is scaled by ``lora_alpha / r``, with ``use_rslora`` by ``lora_alpha / sqrt(r)``."""
    lora_dropout: float = number(ge=0, lt=1)
    """Dropout before the first LoRA matrix."""
    target_modules: list[str] = MISSING
    """Names of the linear layers to adapt; ``[all-linear]`` for every one but the output head."""
    modules_to_save: list[str] = MISSING
    """Modules trained in full beside the adapter, such as ``[lm_head]``."""
    use_rslora: bool = MISSING
    """Rank-stabilised scaling (Kalajdzievski 2023, arXiv:2312.03732)."""
    use_dora: bool = MISSING
    """Weight-decomposed LoRA (Liu et al. 2024, arXiv:2402.09353)."""
    init_lora_weights: Literal["default", "gaussian", "pissa", "pissa_niter_16", "olora", "orthogonal"] = MISSING
    """How the matrices begin; PiSSA (arXiv:2404.02948) and OLoRA (arXiv:2406.01775) begin in the base weights and are
    saved as plain LoRA of twice the rank, for the base as it is."""
    adapter: Optional[str] = MISSING
    """A PEFT adapter folder to continue from; its own rank and layers are used."""


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
    optim: Literal["auto", "adamw_torch", "adamw_torch_fused"] = MISSING
    """``auto`` is the fused AdamW where this torch has one for the device."""
    precision: Literal["auto", "fp16", "bf16", "fp32"] = MISSING
    """``auto`` is fp16 on CUDA and fp32 on a CPU. LoRA weights stay in fp32 throughout."""
    gradient_checkpointing: bool = MISSING
    """Recompute activations in the backward pass: less memory, about a third more time."""
    train_sampling_strategy: Literal["random", "group_by_length"] = MISSING
    """Which dialogues share a step. Within a step they are put in order of length either way."""
    batching: Literal["auto", "padded", "padding_free"] = MISSING
    """Pad the dialogues of a batch, or put them into one row, each seeing itself alone; ``auto`` is padding-free with
    FlashAttention and padded elsewhere."""
    auto_find_batch_size: bool = MISSING
    """When memory runs out, halve the batch and go on; the effective batch stays what it is."""
    torch_compile: bool = MISSING
    """Compile the model: slow to start, faster afterwards on some hardware."""
    use_liger_kernel: bool = MISSING
    """Fused GPU kernels; needs CUDA and ``mentalft[liger]``."""
    early_stopping_patience: Optional[int] = number(ge=1)
    """Stop after this many validations without a better loss; null never does."""
    preflight: bool = MISSING
    """Try the longest batch before training, and say what the run will cost."""
    preview: int = number(ge=0)
    """Print this many training examples with what is supervised in colour."""
    num_processes: int | str = MISSING
    """Processes that train together, one a GPU; ``auto`` is every visible GPU."""
    fsdp: dict[str, Any] = MISSING
    """``TrainingArguments.fsdp_config``: the model is shared out over the processes; empty keeps it whole in each."""
    deepspeed: dict[str, Any] = MISSING
    """``TrainingArguments.deepspeed``: a DeepSpeed configuration; empty does without."""
    logging_steps: int = number(ge=1)
    """In optimizer steps, like the next two."""
    eval_steps: int = number(ge=1)
    save_steps: int = number(ge=1)
    """A multiple of ``eval_steps``, so that every checkpoint has a validation loss."""
    save_total_limit: int = number(ge=1)
    """Checkpoints kept, the best among them."""


@dataclass
class ResponsesConfig:
    """Files of answers that exist already, to be scored by ``stages=[compare]``; both or none."""

    base: Optional[str] = MISSING
    tuned: Optional[str] = MISSING


@dataclass
class EvalConfig:
    items: Literal["test", "validation", "bank", "both", "file"] = MISSING
    """What is asked: held-out dialogues, those of the validation split, the embedded bank of textbook questions, test
    and bank, or the questions of a file."""
    questions: Optional[str] = MISSING
    """The file of ``items=file``: JSON, JSONL or CSV of questions and answers (docs/evaluation.md)."""
    turns: Literal["last_turn", "every_turn"] = MISSING
    """Which assistant turns of a held-out dialogue are asked for, each with the true history before it."""
    max_items: Optional[int] = number(ge=2)
    """Ask at most this many: whole dialogues, a seeded sample in which each topic keeps its share. Null asks all."""
    max_new_tokens: int = number(ge=1)
    do_sample: bool = MISSING
    """False is greedy decoding, the only kind whose answers do not depend on a seed."""
    temperature: float = number(gt=0)
    top_p: float = number(gt=0, le=1)
    top_k: int = number(ge=0)
    """Draw among this many likeliest tokens; 0 is no limit."""
    batch_size: int = number(ge=1)
    """Prompts decoded together; halved where memory runs out."""
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
    responses: ResponsesConfig = field(default_factory=ResponsesConfig)
    references: Optional[str] = MISSING
    """The questions and reference answers that ``responses`` are held against."""


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
    """Which of ``prepare, preflight, train, evaluate, compare`` to run; what is left out is taken from ``run_dir``."""
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


def source_name(spec: str | dict[str, Any]) -> str:
    """What a source is called: its ``name``, or the last part of its path."""
    path = spec if isinstance(spec, str) else str(spec["path"])
    given = None if isinstance(spec, str) else spec.get("name")
    return str(given or path.rstrip("/").rpartition("/")[2] or path)


OPEN_KEYS = ("data.columns", "model.chat_template_kwargs", "trainer.fsdp", "trainer.deepspeed")
"""Keys whose value is a mapping with names of the user's own."""
