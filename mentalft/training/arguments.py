"""The trainer's settings as transformers takes them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mentalft.config.training import TrainerConfig
from mentalft.errors import ConfigError

if TYPE_CHECKING:
    from transformers import TrainingArguments


def training_arguments(
    cfg: TrainerConfig, output_dir: Path, seed: int, *, precision: str, device: str, resuming: bool = False
) -> TrainingArguments:
    """``cfg`` as transformers takes it.

    Args:
        precision: ``fp16``, ``bf16`` or ``fp32``.
        device: ``cuda`` or ``cpu``.
        resuming: whether a checkpoint is there to go on from; its validation loss is known then.
    """
    from transformers import TrainingArguments

    check_options(cfg, device)
    return TrainingArguments(
        output_dir=str(output_dir),
        num_train_epochs=cfg.num_train_epochs,
        max_steps=cfg.max_steps,
        per_device_train_batch_size=cfg.per_device_train_batch_size,
        per_device_eval_batch_size=cfg.per_device_eval_batch_size,
        gradient_accumulation_steps=cfg.gradient_accumulation_steps,
        learning_rate=cfg.learning_rate,
        lr_scheduler_type=cfg.lr_scheduler_type,
        warmup_steps=cfg.warmup_ratio,  # transformers 5 reads a value below 1 as a share of all steps
        weight_decay=cfg.weight_decay,
        max_grad_norm=cfg.max_grad_norm,
        optim="adamw_torch_fused" if cfg.optim == "auto" else cfg.optim,
        fp16=precision == "fp16",
        bf16=precision == "bf16",
        use_cpu=device == "cpu",
        activation_checkpointing=cfg.gradient_checkpointing,  # its name since transformers 5
        activation_checkpointing_kwargs={"use_reentrant": False},
        torch_compile=cfg.torch_compile,
        use_liger_kernel=cfg.use_liger_kernel,
        train_sampling_strategy=cfg.train_sampling_strategy,
        logging_strategy="steps",
        logging_steps=cfg.logging_steps,
        logging_nan_inf_filter=False,
        eval_strategy="steps",
        eval_steps=cfg.eval_steps,
        eval_on_start=not resuming,
        save_strategy="steps",
        save_steps=cfg.save_steps,
        save_total_limit=cfg.save_total_limit,
        load_best_model_at_end=True,
        metric_for_best_model="eval_loss",
        greater_is_better=False,
        restore_callback_states_from_checkpoint=True,
        prediction_loss_only=True,
        remove_unused_columns=False,
        dataloader_pin_memory=device == "cuda",
        ddp_find_unused_parameters=False,
        seed=seed,
        data_seed=seed,
        report_to="none",
        disable_tqdm=True,
        **_sharding(cfg),
    )


def _sharding(cfg: TrainerConfig) -> dict[str, object]:
    chosen: dict[str, object] = {}
    if cfg.fsdp:
        chosen |= {"fsdp": True, "fsdp_config": dict(cfg.fsdp)}
    if cfg.deepspeed:
        chosen["deepspeed"] = dict(cfg.deepspeed)
    return chosen


def check_options(cfg: TrainerConfig, device: str) -> None:
    """Refuse options that this machine cannot give.

    Raises:
        ConfigError: an option needs a package or a GPU that is not there; the message names it and the mend.
    """
    from importlib.util import find_spec

    if cfg.use_liger_kernel and (device != "cuda" or find_spec("liger_kernel") is None):
        lacks = "a CUDA GPU" if device != "cuda" else "the liger-kernel package: pip install 'mentalft[liger]'"
        raise ConfigError(f"trainer.use_liger_kernel=true needs {lacks}; or set it to false")
    if cfg.deepspeed and find_spec("deepspeed") is None:
        raise ConfigError("trainer.deepspeed needs the deepspeed package: pip install 'mentalft[deepspeed]'")
