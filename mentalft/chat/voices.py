"""The contenders of a run that can be talked to here, loaded as an evaluation loads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from mentalft.config import Config
from mentalft.config.contenders import specs
from mentalft.data.prompts import PromptBuilder
from mentalft.errors import ConfigError, DataError, ModelError
from mentalft.files import sha256_folder
from mentalft.generation.contenders import Contender, adapter_in, contenders_of, loads_model, systems
from mentalft.generation.decoding import Decoding
from mentalft.generation.engines import TransformersEngine
from mentalft.modeling.locate import locate_model
from mentalft.modeling.precision import plan_precision


class Voice(NamedTuple):
    """A contender and what it takes to ask it."""

    contender: Contender
    engine: TransformersEngine
    builder: PromptBuilder

    @property
    def name(self) -> str:
        return self.contender.name

    @property
    def model(self) -> str:
        """Its model and adapter, so that they can be told from others."""
        located, adapter = self.contender.located, self.contender.adapter
        assert located is not None  # of a voice; for the type checker
        revision = f"@{located.revision}" if located.revision else ""
        tuned = f" + {sha256_folder(adapter, ('adapter_*',))}" if adapter else ""
        return f"{located.name}{revision}{tuned}"


def talkers(cfg: Config, only: Sequence[str] = ()) -> list[str]:
    """The contenders that are loaded here, or those of them that ``only`` names, in its order.

    Raises:
        ConfigError: ``only`` names another one, or there is none.
    """
    here = [name for name, spec in specs(cfg).items() if spec.is_local]
    for name in only:
        if name not in here:
            why = "is asked at a server or is a file" if name in cfg.eval.contenders else "is no contender of this run"
            raise ConfigError(f"{name} {why}; those that can be talked to here are {', '.join(here) or 'none'}")
    if not here:
        raise ConfigError("no contender of this run is a model that is loaded here; give a run with a local model")
    return list(dict.fromkeys(only)) or here


def here(cfg: Config) -> Config:
    """``cfg`` in a precision that this machine has: the run's own, or the best there is."""
    try:
        plan_precision(cfg.trainer.precision)
    except ConfigError:
        return replace(cfg, trainer=replace(cfg.trainer, precision="auto"))
    return cfg


def load_voices(cfg: Config, run_dir: Path, names: Sequence[str]) -> list[Voice]:
    """Load contenders of a run; those on one base share one loaded model.

    Args:
        cfg: what the run was made with.
        names: as :func:`talkers` gives them.

    Raises:
        UserError: the adapter, or the model that it was made for, is not there or cannot be loaded.
    """
    spoken = {name: replace(cfg.eval.contenders[name], engine="transformers") for name in names}
    cfg = replace(cfg, eval=replace(cfg.eval, contenders=spoken))
    try:
        located = locate_model(cfg.model) if loads_model(cfg) else None
        contenders = contenders_of(cfg, located, lambda: _adapter(run_dir))
        loaded: dict[str, Voice] = {}
        for system, of in systems(contenders):
            assert system.located is not None  # all are local; for the type checker
            adapters = [one.adapter for one in of if one.adapter]
            engine = TransformersEngine.load(cfg, system.located, adapters, Decoding.of(cfg))
            builder = PromptBuilder.of(cfg, engine.tokenizer, system.located.name)
            loaded |= {one.name: Voice(one, engine, builder) for one in of}
    except ModelError as error:
        raise ModelError(f"{run_dir}: {error}") from error
    return [loaded[name] for name in names]


def _adapter(run_dir: Path) -> Path:
    try:
        return adapter_in(run_dir)
    except DataError as error:
        raise DataError(
            f"{run_dir} holds no adapter, so there is nobody tuned to talk to; give a run that got as far as train, "
            "or talk to the others: --only base"
        ) from error
