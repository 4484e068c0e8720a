"""LoRA: put on for training, saved, and loaded for evaluation, all through peft."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mentalft.config.training import LoraConfig
from mentalft.errors import ConfigError, ModelError, first_line
from mentalft.files import read_json, write_json

CONFIG = "adapter_config.json"
BEGINS_IN_THE_BASE = ("pissa", "pissa_niter_16", "olora")
"""Initialisations that take something out of the base weights, so that the base alone is no longer the base."""


def add_adapter(model: Any, cfg: LoraConfig, base_name: str) -> Any:
    """Wrap ``model`` with the adapter to train: fresh, or continued from ``cfg.adapter``.

    The adapter's weights are fp32 whatever the base is in.

    Raises:
        ConfigError: ``lora`` names layers that the model does not have, or options that exclude each other.
        ModelError: ``lora.adapter`` is no adapter, or not one for this model.
    """
    from peft import get_peft_model

    if cfg.adapter:
        return load_adapter(model, Path(cfg.adapter).expanduser(), key="lora.adapter", trainable=True)
    try:
        wrapped = get_peft_model(model, _peft_config(model, cfg, base_name), autocast_adapter_dtype=True)
    except ValueError as error:
        if "not found in the base model" not in str(error):
            raise ConfigError(f"lora: {error}") from error
        raise ConfigError(
            f"lora.target_modules={cfg.target_modules}: {error}; this model has "
            f"{', '.join(_linear_names(model))}, or use [all-linear]"
        ) from error
    wrapped.peft_config["default"].base_model_name_or_path = base_name
    return wrapped


def _peft_config(model: Any, cfg: LoraConfig, base_name: str) -> Any:
    from peft import LoraConfig as PeftLoraConfig
    from peft import TaskType
    from peft.utils.constants import DUMMY_TARGET_MODULES

    targets: Any = "all-linear" if cfg.target_modules == ["all-linear"] else list(cfg.target_modules)
    saved = list(cfg.modules_to_save)
    if cfg.method == "full":
        targets, saved = DUMMY_TARGET_MODULES, _modules_with_weights(model)
    return PeftLoraConfig(
        r=cfg.r,
        lora_alpha=cfg.lora_alpha,
        lora_dropout=cfg.lora_dropout,
        target_modules=targets,
        modules_to_save=saved or None,
        use_rslora=cfg.use_rslora,
        use_dora=cfg.use_dora,
        ensure_weight_tying=bool(saved) and bool(getattr(model.config, "tie_word_embeddings", False)),
        init_lora_weights=True if cfg.init_lora_weights == "default" else cfg.init_lora_weights,
        task_type=TaskType.CAUSAL_LM,
        base_model_name_or_path=base_name,
    )


def keep_beginning(model: Any, cfg: LoraConfig, folder: Path) -> Path | None:
    """Save to ``folder`` what a fresh adapter that begins in the base weights began as; None for every other."""
    if cfg.adapter or cfg.init_lora_weights not in BEGINS_IN_THE_BASE:
        return None
    config = model.peft_config["default"]
    named, config.init_lora_weights = config.init_lora_weights, True  # how peft wants the beginning to be described
    model.save_pretrained(str(folder), save_embedding_layers=False)
    config.init_lora_weights = named
    return folder


def save_adapter(model: Any, folder: Path, beginning: Path | None) -> None:
    """Write the trained adapter into ``folder``, for the base as it is on the hub.

    An adapter that began in the base weights is turned into plain LoRA of twice the rank: what it is, minus what it
    was in the ``beginning`` (Meng et al. 2024, arXiv:2404.02948, appendix C).
    """
    model.save_pretrained(
        str(folder),
        save_embedding_layers=False,  # peft would ask the hub whether the vocabulary grew; it did not
        path_initial_model_for_weight_conversion=str(beginning) if beginning else None,
    )
    described = read_json(folder / CONFIG)
    for key in ("target_modules", "modules_to_save", "exclude_modules"):
        if isinstance(described.get(key), list):  # peft keeps sets, and writes them in an order of the moment
            described[key] = sorted(described[key])
    write_json(folder / CONFIG, described)


def check_adapter(folder: Path, key: str) -> None:
    """Raises ModelError where ``folder``, which the configuration names by ``key``, holds no adapter."""
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        if not (folder / name).is_file():
            raise ModelError(f"{key}={folder} has no {name}; give a folder that peft's save_pretrained wrote")


def load_adapter(
    model: Any, folder: Path, *, key: str = "eval.adapter", trainable: bool = False, name: str = "default"
) -> Any:
    """Wrap ``model`` with the adapter saved in ``folder``; in evaluation mode unless ``trainable``.

    Args:
        model: a base model, or one that :func:`load_adapter` has wrapped with others.
        name: what this adapter is called among several.
        key: the configuration key that holds ``folder``, for messages.

    Raises:
        ModelError: ``folder`` holds no adapter, or one for a model of another shape.
    """
    from peft import PeftModel

    check_adapter(folder, key)
    try:
        if isinstance(model, PeftModel):
            model.load_adapter(str(folder), adapter_name=name, is_trainable=trainable)
            wrapped = model
        else:
            wrapped = PeftModel.from_pretrained(model, str(folder), adapter_name=name, is_trainable=trainable)
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"{key}={folder} does not fit the base model: {first_line(error)}") from error
    return wrapped if trainable else wrapped.eval()


def _modules_with_weights(model: Any) -> list[str]:
    """Every module that holds weights of its own, by its full name."""
    return [name for name, m in model.named_modules() if name and any(True for _ in m.parameters(recurse=False))]


def _linear_names(model: Any) -> list[str]:
    import torch

    return sorted({name.rpartition(".")[2] for name, m in model.named_modules() if isinstance(m, torch.nn.Linear)})
