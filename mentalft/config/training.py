"""The typed configuration of the adapter and of its training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Optional

from mentalft.config.fields import MODEL, PACE, PRESENTATION, TRAINING, number, value


@dataclass
class LoraConfig:
    """The same names as ``peft.LoraConfig`` where the thing is the same."""

    method: Literal["lora", "full"] = value(bears_on=TRAINING)
    """``full`` trains every weight, kept beside the base's in the adapter, so that one model is still both."""
    r: int = number(ge=1, le=1024, bears_on=TRAINING)
    """Rank of the update."""
    lora_alpha: float = number(gt=0, bears_on=TRAINING)
    """The update is scaled by ``lora_alpha / r``, with ``use_rslora`` by ``lora_alpha / sqrt(r)``."""
    lora_dropout: float = number(ge=0, lt=1, bears_on=TRAINING)
    """Dropout before the first LoRA matrix."""
    target_modules: list[str] = value(bears_on=TRAINING)
    """Names of the linear layers to adapt; ``[all-linear]`` for every one but the output head."""
    modules_to_save: list[str] = value(bears_on=TRAINING)
    """Modules trained in full beside the adapter, such as ``[lm_head]``."""
    use_rslora: bool = value(bears_on=TRAINING)
    """Rank-stabilised scaling (Kalajdzievski 2023, arXiv:2312.03732)."""
    use_dora: bool = value(bears_on=TRAINING)
    """Weight-decomposed LoRA (Liu et al. 2024, arXiv:2402.09353)."""
    init_lora_weights: Literal["default", "gaussian", "pissa", "pissa_niter_16", "olora", "orthogonal"] = value(
        bears_on=TRAINING
    )
    """How the matrices begin; PiSSA (arXiv:2404.02948) and OLoRA (arXiv:2406.01775) begin in the base weights and are
    saved as plain LoRA of twice the rank, for the base as it is."""
    adapter: Optional[str] = value(bears_on=TRAINING)
    """A PEFT adapter folder to continue from; its own rank and layers are used."""


@dataclass
class TrainerConfig:
    """The same names as ``transformers.TrainingArguments`` where the thing is the same."""

    num_train_epochs: float = number(gt=0, bears_on=TRAINING)
    """Passes over the training dialogues, where ``max_steps`` is -1."""
    max_steps: int = number(ge=-1, bears_on=TRAINING)
    """Optimizer steps; -1 trains for ``num_train_epochs``."""
    per_device_train_batch_size: int = number(ge=1, bears_on=TRAINING)
    """In dialogues."""
    per_device_eval_batch_size: int = number(ge=1, bears_on=PACE)
    """In dialogues."""
    gradient_accumulation_steps: int = number(ge=1, bears_on=TRAINING)
    """Batches that make one step of the optimizer."""
    learning_rate: float = number(gt=0, le=1, bears_on="train")
    """Its highest value, after warm-up."""
    lr_scheduler_type: Literal["linear", "cosine", "constant", "constant_with_warmup"] = value(bears_on="train")
    """How the learning rate falls after warm-up."""
    warmup_ratio: float = number(ge=0, lt=1, bears_on="train")
    """Share of all optimizer steps over which the learning rate rises from 0."""
    weight_decay: float = number(ge=0, le=1, bears_on="train")
    """As in AdamW."""
    max_grad_norm: float = number(gt=0, bears_on="train")
    """Longer gradients are cut to this norm."""
    optim: Literal["auto", "adamw_torch", "adamw_torch_fused"] = value(bears_on=TRAINING)
    """``auto`` is the fused AdamW where this torch has one for the device."""
    precision: Literal["auto", "fp16", "bf16", "fp32"] = value(bears_on=MODEL)
    """``auto`` is fp16 on CUDA; on a CPU bf16 where its instructions are made for it (AMX, AVX512-BF16), else fp32, and
    fp32 for the embedded model. LoRA weights stay in fp32 throughout."""
    gradient_checkpointing: bool = value(bears_on="preflight")
    """Recompute activations in the backward pass: less memory, about a third more time."""
    train_sampling_strategy: Literal["random", "group_by_length"] = value(bears_on=TRAINING)
    """Which dialogues share a step. Within a step they are put in order of length either way."""
    batching: Literal["auto", "padded", "padding_free"] = value(bears_on=TRAINING)
    """Pad the dialogues of a batch, or put them into one row, each seeing itself alone; ``auto`` is padding-free with
    FlashAttention and padded elsewhere."""
    auto_find_batch_size: bool = value(bears_on=PACE)
    """When memory runs out, halve the batch and go on; the effective batch stays what it is."""
    torch_compile: bool = value(bears_on=TRAINING)
    """Compile the model: slow to start, faster afterwards on some hardware."""
    use_liger_kernel: bool = value(bears_on=TRAINING)
    """Fused GPU kernels; needs CUDA and ``mentalft[liger]``."""
    early_stopping_patience: Optional[int] = number(ge=1, bears_on="train")
    """Stop after this many validations without a better loss; null never does."""
    preflight: bool = value(bears_on=PACE)
    """Try the longest batch before training, and say what the run will cost."""
    preview: int = number(ge=0, bears_on=PRESENTATION)
    """Print this many training examples with what is supervised in colour."""
    num_processes: int | str = value(bears_on=PACE)
    """Processes that train together, one a GPU; ``auto`` is every visible GPU."""
    fsdp: dict[str, Any] = value(bears_on=TRAINING)
    """``TrainingArguments.fsdp_config``: the model is shared out over the processes; empty keeps it whole in each."""
    deepspeed: dict[str, Any] = value(bears_on=TRAINING)
    """``TrainingArguments.deepspeed``: a DeepSpeed configuration; empty does without."""
    logging_steps: int = number(ge=1, bears_on=PACE)
    """In optimizer steps, like the next two."""
    eval_steps: int = number(ge=1, bears_on="train")
    """Optimizer steps between two measurements of the validation loss."""
    max_eval_samples: Optional[int] = number(ge=1, bears_on=TRAINING)
    """Measure the validation loss during training on this many dialogues, drawn once, topics in share; at the end it is
    measured on all. Null always takes all."""
    save_steps: int = number(ge=1, bears_on=PACE)
    """A multiple of ``eval_steps``, so that every checkpoint has a validation loss."""
    save_total_limit: int = number(ge=1, bears_on=PACE)
    """Checkpoints kept, the best among them."""
