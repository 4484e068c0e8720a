"""From composed values to the typed configuration: the one place that makes a :class:`Config` of a mapping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mentalft.config.checks import problems
from mentalft.config.contenders import ContenderConfig
from mentalft.config.schema import AUTO, EMBEDDED, EMBEDDED_MODEL, Config, extra_name, last_part
from mentalft.errors import ConfigError, first_line


def typed_config(plain: Mapping[str, Any]) -> Config:
    """The configuration that ``plain`` holds, its interpolations resolved already and its values not checked.

    Raises:
        omegaconf.errors.OmegaConfBaseException: an unknown key, or a value of another type.
    """
    typed = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Config), _literal(plain)))
    assert isinstance(typed, Config)  # what to_object returns for a structured config; for the type checker
    named = {name: about for name, about in typed.eval.contenders.items() if about is not None}
    typed.eval.contenders = {name: _contender(name, about) for name, about in named.items()}
    return typed


def options_of(about: Any) -> dict[str, str]:
    """The option taken of each config group, from Hydra's own part of a configuration."""
    return {str(k): str(v) for k, v in about.runtime.choices.items() if "/" not in str(k) and v is not None}


def hydra_records(cfg: DictConfig, about: Any) -> dict[str, str]:
    """Name → text of the files that Hydra keeps of a job in ``.hydra/``."""
    parts = {"config": cfg, "hydra": OmegaConf.create({"hydra": about}), "overrides": about.overrides.task}
    return {f"{name}.yaml": OmegaConf.to_yaml(part) for name, part in parts.items()}


def _literal(value: Any) -> Any:
    """``value`` with a text such as ``${x}`` as it is, which OmegaConf would take for a reference."""
    if isinstance(value, Mapping):
        return {key: _literal(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_literal(member) for member in value]
    return value.replace("${", r"\${") if isinstance(value, str) else value


def _contender(name: str, about: Any) -> ContenderConfig:
    try:
        contender = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(ContenderConfig), about))
    except (OmegaConfBaseException, ValueError, TypeError) as error:
        accepted = ", ".join(field.name for field in fields(ContenderConfig))
        raise ConfigError(
            f"eval.contenders.{name}: {first_line(error)}; it takes {accepted}, such as "
            f"eval.contenders.{name}.adapter=FOLDER"
        ) from error
    assert isinstance(contender, ContenderConfig)  # for the type checker, as above
    return contender


def load_config(cfg: DictConfig | Mapping[str, Any]) -> Config:
    """The configuration that was composed, checked.

    Hydra lets ``+lora.rank=3`` past the schema, so the plain values are merged into a fresh one.

    Raises:
        ConfigError: values are missing or out of range; the message names every one of them.
        omegaconf.errors.OmegaConfBaseException: an unknown key, or a value of another type.
    """
    plain = OmegaConf.to_container(cfg, resolve=True) if isinstance(cfg, DictConfig) else cfg
    assert isinstance(plain, Mapping)  # the root of a configuration; for the type checker
    typed = typed_config({str(key): value for key, value in plain.items()})
    found = problems(typed)
    if found:
        raise ConfigError("\n".join(found))
    model, e = typed.model, typed.eval
    if model.name == AUTO:
        model.name = EMBEDDED_MODEL if model.name_or_path == EMBEDDED else last_part(model.name_or_path)
    if e.primary not in (*e.metrics, *map(extra_name, e.extra_metrics)):
        e.metrics = [e.primary, *e.metrics]
    return typed
