"""What went wrong in words that name the key, the value, what is accepted, and the mend; Hydra's and OmegaConf's errors
among it."""

from __future__ import annotations

import errno
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from omegaconf.errors import ConfigAttributeError, ConfigKeyError, MissingMandatoryValue, OmegaConfBaseException

from mentalft.config.fields import bounds_of
from mentalft.config.schema import Config
from mentalft.errors import UserError, override, typed

ALIASES = {
    "lr": "trainer.learning_rate",
    "epochs": "trainer.num_train_epochs", "num_epochs": "trainer.num_train_epochs",
    "batch_size": "trainer.per_device_train_batch_size", "train_batch_size": "trainer.per_device_train_batch_size",
    "grad_accum": "trainer.gradient_accumulation_steps", "gradient_accumulation": "trainer.gradient_accumulation_steps",
    "warmup": "trainer.warmup_ratio", "warmup_steps": "trainer.warmup_ratio",
    "scheduler": "trainer.lr_scheduler_type", "lr_scheduler": "trainer.lr_scheduler_type",
    "fp16": "trainer.precision", "bf16": "trainer.precision", "mixed_precision": "trainer.precision",
    "dtype": "trainer.precision", "torch_dtype": "trainer.precision",
    "patience": "trainer.early_stopping_patience",
    "gpus": "trainer.num_processes", "num_gpus": "trainer.num_processes", "devices": "trainer.num_processes",
    "rank": "lora.r", "lora_rank": "lora.r",
    "alpha": "lora.lora_alpha",
    "dropout": "lora.lora_dropout",
    "lora_target": "lora.target_modules", "modules": "lora.target_modules",
    "load_in_4bit": "model.quantization", "load_in_8bit": "model.quantization",
    "model_name_or_path": "model.name_or_path", "model_name": "model.name_or_path", "model_path": "model.name_or_path",
    "flash_attn": "model.attn_implementation",
    "dataset": "data.path", "data_path": "data.path", "train_file": "data.path",
    "max_seq_length": "data.max_length", "max_seq_len": "data.max_length", "cutoff_len": "data.max_length",
    "system_prompt": "data.system_message",
    "max_tokens": "eval.max_new_tokens",
    "output_dir": "run_dir", "resume_from_checkpoint": "run_dir",
}  # fmt: skip
"""What other tools call a key of ours, by its last part."""

OF_ANOTHER_TYPE = "a value of another type"
SMALLEST_FREE_SPACE = 1 << 20
PLAIN_TYPES = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


def known_keys(node: type = Config, prefix: str = "") -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Every key of the schema with its type and bounds."""
    hints = get_type_hints(node)
    for spec in fields(node):
        if is_dataclass(hints[spec.name]):
            yield from known_keys(hints[spec.name], f"{prefix}{spec.name}.")
        else:
            yield f"{prefix}{spec.name}", hints[spec.name], bounds_of(spec)


def known_sections(node: type = Config, prefix: str = "") -> Iterator[str]:
    """Every key of the schema that holds further keys."""
    for name, hint in get_type_hints(node).items():
        if is_dataclass(hint) and isinstance(hint, type):
            yield f"{prefix}{name}"
            yield from known_sections(hint, f"{prefix}{name}.")


def accepted(key: str) -> str:
    """What the schema takes for ``key``, in words."""
    for name, hint, bounds in known_keys():
        if name == key:
            limits = " and ".join(f"{word} {bound:g}" for word, bound in bounds.items())
            return f"{_type_in_words(hint)}{', ' + limits if limits else ''}"
    return OF_ANOTHER_TYPE


def _type_in_words(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(get_args(hint))
    if get_origin(hint) is list:
        return "a list such as [a, b]"
    if get_origin(hint) is dict:
        return "a mapping such as {a: b}"
    if type(None) in get_args(hint):
        return " or null: ".join(_type_in_words(a) for a in get_args(hint) if a is not type(None)) + " or null"
    return PLAIN_TYPES.get(hint, OF_ANOTHER_TYPE)


def in_words(error: Exception, overrides: list[str], run_dir: Path | None = None) -> str | None:
    """What the user is told of ``error``; None where it is a fault of ours."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}; free space or choose another place with run_dir=PATH"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}; what is complete stays, and the same command with run_dir= goes on from there"
    return explain(error, overrides) or (_full_disk(error, run_dir) if run_dir else None)


def _full_disk(error: Exception, run_dir: Path) -> str | None:
    """torch and safetensors report a full disk as an error of their own, without its number."""
    writer = isinstance(error, RuntimeError) or type(error).__name__ == "SafetensorError"
    if writer and shutil.disk_usage(run_dir).free < SMALLEST_FREE_SPACE:
        return f"{run_dir}: {os.strerror(errno.ENOSPC)}; free space, then go on with {typed('run_dir', run_dir)}"
    return None


def explain(error: Exception, overrides: list[str]) -> str | None:
    """One message for a configuration mistake; None where ``error`` is of another kind."""
    from hydra.errors import HydraException, MissingConfigException, OverrideParseException

    if isinstance(error, MissingConfigException):
        return _unknown_option(error)
    if isinstance(error, OverrideParseException):
        return f"cannot read the override {_quoted(error.override)}; write {_readable(str(error.override))}"
    cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error
    if isinstance(cause, OmegaConfBaseException):
        return _bad_key_or_value(cause, overrides)
    if isinstance(error, HydraException):
        several = re.match(r"Ambiguous value for argument '(.*)'$", str(error).strip().splitlines()[0])
        if not several:
            return str(error).strip()
        readable = _readable(several[1])
        return f"{several[1]} gives several values: write {readable} for one, or add --multirun to sweep over them"
    if isinstance(error, ValueError) and "Config group override" in str(error):
        groups = _groups()
        wrong = next((o for o in overrides if o.partition("=")[0] in groups), None)
        if wrong is None:
            return f"cannot read an override among {overrides}; write KEY=VALUE"
        return f"{wrong}: the group takes one of {', '.join(groups[wrong.partition('=')[0]])}"
    return None


def _bad_key_or_value(cause: OmegaConfBaseException, overrides: list[str]) -> str:
    key = cause.full_key or ""
    value = _value_of(key, overrides)
    if isinstance(cause, MissingMandatoryValue):
        return f"{key} has no value; give one: {key}=VALUE"
    if isinstance(cause, ConfigKeyError | ConfigAttributeError):
        names = dict.fromkeys([*(name for name, _, _ in known_keys()), *known_sections(), *_groups()])
        return f"{key}{value}: there is no such key{_nearest(f'{key}{value}'.partition('=')[0], list(names))}"
    if "does not support deletion" in str(cause):
        return f"~{key}: a key of the schema cannot be deleted; set it to another value"
    if key and key in {name for name, _, _ in known_keys()}:
        meant = f"{key}{value}"
        lacks_brackets = value.strip("=") and "a list" in accepted(key) and "[" not in value
        mend = f"; write {_readable(meant)}" if lacks_brackets or "${" in value else ""
        return f"{meant}: not accepted; {key} takes {accepted(key)}{mend}"
    return str(cause).splitlines()[0]


def _readable(given: str) -> str:
    """``given`` as it was probably meant, in the form that a shell and Hydra take: a list where one is wanted, else
    text."""
    key, equals, value = given.partition("=")
    if not equals:
        return "KEY=VALUE"
    wanted = accepted(key.lstrip("+~"))
    if wanted.startswith("a list"):
        members = [member.strip(" '\"") for member in value.strip("[] ").split(",")]
        inside = ",".join(override("", member).removeprefix("=") for member in members if member)
        return shlex.quote(f"{key}=[{inside}]")
    if "text" in wanted or wanted == OF_ANOTHER_TYPE:
        return typed(key, value)
    return f"{key}=VALUE with {wanted}"


def _unknown_option(error: Any) -> str:
    """Of Hydra's ``MissingConfigException``."""
    group, _, option = (error.missing_cfg_file or "").rpartition("/")
    known = _groups().get(group.strip("/"))
    if not known:
        return str(error).strip().splitlines()[0]
    near = get_close_matches(option, known, n=1, cutoff=0.7)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"{group}={option}: no such option; accepted are {', '.join(known)}{hint}"


def _groups() -> dict[str, list[str]]:
    """Options of each config group; names with a leading underscore are parts, not choices."""
    root = resources.files("mentalft.conf")
    folders = [folder for folder in root.iterdir() if folder.is_dir() and not folder.name.startswith(("_", "."))]
    return {
        folder.name: sorted(
            f.name.removesuffix(".yaml")
            for f in folder.iterdir()
            if f.name.endswith(".yaml") and not f.name.startswith("_")
        )
        for folder in folders
    }


def _value_of(key: str, overrides: list[str]) -> str:
    """What stands after ``key`` in the override that set it; for ``+a.b=1`` the key may be ``a``."""
    for given in reversed(overrides):
        name, equals, value = given.lstrip("+~").partition("=")
        if equals and (name == key or (given.startswith("+") and name.startswith(f"{key}."))):
            return f"{name.removeprefix(key)}={value}"
    return ""


def _nearest(name: str, known: list[str]) -> str:
    """What may have been meant, or what there is in that place."""
    parent, _, leaf = name.rpartition(".")
    if leaf in ALIASES:
        return f"; did you mean {ALIASES[leaf]!r}?"
    siblings = [k for k in known if k.rpartition(".")[0] == parent]
    near = _alike(leaf, siblings) or _alike(leaf, known)
    if near:
        return f"; did you mean {' or '.join(map(repr, near))}?"
    there = siblings or [k for k in known if "." not in k]
    return f"; accepted there are {', '.join(k.rpartition('.')[2] for k in there)}"


def _alike(leaf: str, known: list[str]) -> list[str]:
    """The keys whose last part is most like ``leaf``."""
    best = get_close_matches(leaf, [k.rpartition(".")[2] for k in known], n=1, cutoff=0.7)
    return [k for k in known if k.rpartition(".")[2] in best]


def _quoted(override: object) -> str:
    return repr(re.sub(r"\s+", " ", str(override)))
