"""LoRA: put on for training, saved, and loaded for evaluation, all through peft."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import msgspec

from mentalft.config.training import LoraConfig
from mentalft.errors import ConfigError, ModelError, first_line
from mentalft.files import read_json, write_json

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
LFS = b"version https://git-lfs"
READ = ("LORA",)
"""Values of ``peft_type``."""
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
    _check_names(model, cfg)
    try:
        wrapped = get_peft_model(model, _peft_config(model, cfg, base_name), autocast_adapter_dtype=True)
    except ValueError as error:
        raise ConfigError(f"lora: {error}") from error
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


class _Described(msgspec.Struct):
    """What ``adapter_config.json`` must hold for peft to take it as it is meant."""

    peft_type: str
    r: Annotated[int, msgspec.Meta(ge=1)] = 8
    lora_alpha: float = 8
    lora_dropout: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0
    target_modules: list[str] | str | None = None
    modules_to_save: list[str] | None = None
    rank_pattern: dict[str, int] | None = None
    alpha_pattern: dict[str, float] | None = None
    base_model_name_or_path: str | None = None
    use_rslora: bool = False
    use_dora: bool = False


def check_adapter(folder: Path, key: str) -> None:
    """Refuse an adapter folder whose files cannot be read, without a look at any base model.

    Args:
        key: the configuration key that names ``folder``, for messages.

    Raises:
        ModelError: a file is missing, is cut, or is not what its name says.
    """
    from safetensors import SafetensorError, safe_open

    for name in (CONFIG, WEIGHTS):
        path = folder / name
        if not path.is_file():
            raise ModelError(f"{key}={folder} has no {name}; give a folder that peft's save_pretrained wrote")
        with path.open("rb") as handle:
            if handle.read(len(LFS)) == LFS:
                raise ModelError(f"{key}: {path} is a pointer of Git LFS, not the file itself; run git lfs pull there")
    path = folder / CONFIG
    try:
        described = msgspec.json.decode(path.read_bytes(), type=_Described)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{key}: {path} does not describe an adapter ({first_line(error)}); mend it") from error
    if described.peft_type not in READ:
        raise ModelError(
            f"{key}: {path} has peft_type {described.peft_type!r}; adapters of the type {' or '.join(READ)} are read"
        )
    try:
        with safe_open(folder / WEIGHTS, "numpy") as weights:
            names = list(weights.keys())
    except SafetensorError as error:
        raise ModelError(
            f"{key}: {folder / WEIGHTS} is not a whole safetensors file ({first_line(error)}); copy it again"
        ) from error
    if not names:
        raise ModelError(f"{key}: {folder / WEIGHTS} holds no tensors; give the adapter of a training that finished")


def check_fits(folder: Path, key: str, base_config: Any, base_name: str) -> None:
    """Refuse an adapter of which not every tensor has its place in the base model, without loading that.

    Args:
        key: the configuration key that names ``folder``, for messages.
        base_config: of transformers; the base is built from it without weights.

    Raises:
        ModelError: as :func:`check_adapter`; or a tensor is missing, is one too many, has another shape, or holds a
            number that is not finite.
    """
    import torch
    from peft import get_peft_model, get_peft_model_state_dict
    from safetensors import safe_open
    from transformers import AutoModelForCausalLM

    check_adapter(folder, key)
    config = _read_config(folder, key)
    config.init_lora_weights = True  # others would compute with the base's weights
    made_for, config.base_model_name_or_path = config.base_model_name_or_path, None
    whose = f"it was made for {made_for}" if made_for else f"{CONFIG} does not say for which model it was made"
    with safe_open(folder / WEIGHTS, "pt") as file:
        found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    try:
        with torch.device("meta"):
            model = get_peft_model(AutoModelForCausalLM.from_config(base_config, trust_remote_code=False), config)
        wanted = get_peft_model_state_dict(model, save_embedding_layers=False)
    except (ValueError, TypeError, AttributeError, RuntimeError) as error:
        raise ModelError(
            f"{key}={folder}: 0 of {len(found)} tensors fit the base model {base_name}; {whose} ({first_line(error)})"
        ) from error
    problems = {
        "is missing": wanted.keys() - found.keys(),
        "has no place there": found.keys() - wanted.keys(),
        "has another shape": {n for n in found.keys() & wanted.keys() if found[n].shape != wanted[n].shape},
    }
    if any(problems.values()):
        fit = len(found.keys() & wanted.keys()) - len(problems["has another shape"])
        told = "; ".join(f"{min(names)} {what}" for what, names in problems.items() if names)
        raise ModelError(
            f"{key}={folder}: {fit} of {len(wanted)} tensors fit the base model {base_name}; {whose} ({told})"
        )
    broken = sorted(name for name, tensor in found.items() if not tensor.isfinite().all())
    if broken:
        raise ModelError(
            f"{key}={folder}: {len(broken)} of {len(found)} tensors hold numbers that are not finite (first: "
            f"{broken[0]}); its training had failed, give another adapter"
        )


def _read_config(folder: Path, key: str) -> Any:
    """peft's configuration, as a causal language model's: so that every adapter answers in the same way."""
    from peft import PeftConfig

    try:
        config = PeftConfig.from_pretrained(str(folder))
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(f"{key}: {folder / CONFIG} cannot be used ({first_line(error)}); mend it") from error
    config.task_type = "CAUSAL_LM"
    return config


def load_adapter(
    model: Any, folder: Path, *, key: str = "eval.adapter", trainable: bool = False, name: str = "default"
) -> Any:
    """Wrap ``model`` with the adapter saved in ``folder``; in evaluation mode unless ``trainable``.

    Args:
        model: a base model, or one that :func:`load_adapter` has wrapped with others.
        name: what this adapter is called among several.
        key: the configuration key that holds ``folder``, for messages.

    Raises:
        ModelError: as :func:`check_fits`.
    """
    from peft import PeftModel

    check_fits(folder, key, model.config, getattr(model.config, "name_or_path", "") or "given")
    config = _read_config(folder, key)
    if isinstance(model, PeftModel):
        model.load_adapter(str(folder), adapter_name=name, is_trainable=trainable, config=config)
        wrapped = model
    else:
        wrapped = PeftModel.from_pretrained(
            model, str(folder), adapter_name=name, is_trainable=trainable, config=config
        )
    return wrapped if trainable else wrapped.eval()


def _modules_with_weights(model: Any) -> list[str]:
    """Every module that holds weights of its own, by its full name."""
    return [name for name, m in model.named_modules() if name and any(True for _ in m.parameters(recurse=False))]


def _check_names(model: Any, cfg: LoraConfig) -> None:
    """Every name must be that of a module, or its end; peft is content with one that is."""
    import torch

    modules = dict(model.named_modules())
    ends = {".".join(parts[n:]) for parts in (name.split(".") for name in modules) for n in range(len(parts))}
    linear = {name.rpartition(".")[2] for name, m in modules.items() if isinstance(m, torch.nn.Linear)}
    targets = [] if cfg.method == "full" or cfg.target_modules == ["all-linear"] else cfg.target_modules
    for key, names in (("target_modules", targets), ("modules_to_save", cfg.modules_to_save)):
        if unknown := [name for name in names if name not in ends]:
            near = [found for name in unknown for found in get_close_matches(name, sorted(ends), n=2)]
            meant = f"did you mean {' or '.join(dict.fromkeys(near))}? " if near else ""
            raise ConfigError(
                f"lora.{key}: the model has no module {', '.join(unknown)}; {meant}"
                f"Its linear layers are {', '.join(sorted(linear))}"
            )
