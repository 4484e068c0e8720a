"""LoRA: put on for training, saved, and loaded for evaluation, all through peft."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mentalft.config import LoraConfig
from mentalft.errors import ConfigError, ModelError


def add_adapter(model: Any, cfg: LoraConfig, base_name: str) -> Any:
    """Wrap ``model`` with a fresh LoRA adapter; the adapter's weights are fp32 whatever the base is in.

    Raises:
        ConfigError: ``lora.target_modules`` names layers that the model does not have.
    """
    from peft import LoraConfig as PeftLoraConfig
    from peft import TaskType, get_peft_model

    targets: Any = "all-linear" if cfg.target_modules == ["all-linear"] else list(cfg.target_modules)
    peft_config = PeftLoraConfig(
        r=cfg.r,
        lora_alpha=cfg.lora_alpha,
        lora_dropout=cfg.lora_dropout,
        target_modules=targets,
        task_type=TaskType.CAUSAL_LM,
        base_model_name_or_path=base_name,
    )
    try:
        wrapped = get_peft_model(model, peft_config, autocast_adapter_dtype=True)
    except ValueError as error:
        raise ConfigError(
            f"lora.target_modules={cfg.target_modules}: {error}; this model has "
            f"{', '.join(_linear_names(model))}, or use [all-linear]"
        ) from error
    wrapped.peft_config["default"].base_model_name_or_path = base_name
    return wrapped


def load_adapter(model: Any, folder: Path) -> Any:
    """Wrap ``model`` with the adapter saved in ``folder``, in evaluation mode.

    Raises:
        ModelError: ``folder`` holds no adapter, or one for a model of another shape.
    """
    from peft import PeftModel

    for name in ("adapter_config.json", "adapter_model.safetensors"):
        if not (folder / name).is_file():
            raise ModelError(f"eval.adapter={folder} has no {name}; give a folder that peft's save_pretrained wrote")
    try:
        return PeftModel.from_pretrained(model, str(folder)).eval()
    except (ValueError, RuntimeError) as error:
        first = str(error).strip().splitlines()[0]
        raise ModelError(f"eval.adapter={folder} does not fit the base model: {first}") from error


def _linear_names(model: Any) -> list[str]:
    import torch

    return sorted({name.rpartition(".")[2] for name, m in model.named_modules() if isinstance(m, torch.nn.Linear)})
