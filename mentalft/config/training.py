"""The typed configuration of the adapter and of its training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Optional

from omegaconf import MISSING

from mentalft.config.fields import number


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
