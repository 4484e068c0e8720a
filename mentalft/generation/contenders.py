"""Who answers: an ordered list of contenders, made from the settings. One of them is the baseline."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from mentalft import __version__
from mentalft.config import Config
from mentalft.config.contenders import OF_THIS_RUN, SERVER, ContenderConfig, key_of, specs
from mentalft.errors import DataError
from mentalft.files import sha256_folder
from mentalft.modeling.locate import LocatedModel, locate_model
from mentalft.runs.stage import Context


class System(NamedTuple):
    """What is loaded once for all contenders that it answers for."""

    engine: str
    located: LocatedModel | None
    """The model, where it is loaded here."""
    base_url: str | None
    """Of a server."""


@dataclass(frozen=True)
class Contender:
    """Something that answers, by where its answers come from."""

    name: str
    system: System | None = None
    """None where its answers are given as a file."""
    adapter: Path | None = None
    """A PEFT adapter folder on the loaded model; None asks the model as it is."""
    served_as: str | None = None
    """What a server calls it."""
    answers: Path | None = None
    """A file of its answers."""

    @property
    def located(self) -> LocatedModel | None:
        """Its model, where it is loaded here."""
        return self.system.located if self.system else None

    @property
    def is_plain(self) -> bool:
        """Whether it is a model that was not changed here, so that other runs may have asked it the same."""
        return self.located is not None and self.adapter is None


def loads_model(cfg: Config) -> bool:
    """Whether the model of ``model=`` is loaded here, and not by a server."""
    return any(spec.is_local and not spec.name_or_path for spec in specs(cfg).values())


def contenders_of(cfg: Config, located: LocatedModel | None, own_adapter: Callable[[], Path]) -> tuple[Contender, ...]:
    """Every contender of ``cfg``, in order.

    Args:
        located: the model of ``model=``; None where no contender needs it.
        own_adapter: the adapter that this run trained, asked for where a contender has it.

    Raises:
        ModelError: another model is not there.
    """

    def contender(name: str, spec: ContenderConfig) -> Contender:
        if spec.answers:
            return Contender(name, answers=Path(spec.answers).expanduser())
        if not spec.is_local:
            return Contender(name, System(SERVER, None, spec.base_url), served_as=spec.model)
        model = locate_other(cfg, name, spec) if spec.name_or_path else located
        adapter = Path(spec.adapter).expanduser() if spec.adapter else None
        if spec.adapter == OF_THIS_RUN:
            adapter = own_adapter()
        return Contender(name, System(str(spec.engine), model, None), adapter)

    return tuple(contender(name, spec) for name, spec in specs(cfg).items())


def contenders_in(context: Context) -> tuple[Contender, ...]:
    """Every contender of a command, looked for once."""
    return context.once(
        "contenders", lambda: contenders_of(context.cfg, context.located, lambda: adapter_in(context.run_dir))
    )


def adapter_digests(contenders: Iterable[Contender]) -> dict[str, str]:
    """By contender, the hash of the adapter that it answers with."""
    return {one.name: sha256_folder(one.adapter, ("adapter_*",)) for one in contenders if one.adapter}


def locate_other(cfg: Config, name: str, spec: ContenderConfig) -> LocatedModel:
    """The model that a contender names in place of ``model=``."""
    model = replace(cfg.model, name_or_path=str(spec.name_or_path), revision=None)
    return locate_model(model, key=key_of(name, "name_or_path"))


def adapter_in(run_dir: Path) -> Path:
    """The adapter that this run trained.

    Raises:
        DataError: it has not.
    """
    folder = run_dir / "adapter"
    if not (folder / "adapter_config.json").is_file():
        raise DataError(f"{folder} holds no adapter; add train to stages, or name one: eval.adapter=FOLDER")
    return folder


def models(contenders: Iterable[Contender]) -> list[LocatedModel]:
    """Each model that is loaded here, once."""
    return list(dict.fromkeys(one.located for one in contenders if one.located))


def systems(contenders: Iterable[Contender]) -> Iterator[tuple[System, tuple[Contender, ...]]]:
    """Each system that is asked, with those that it answers for."""
    asked: dict[System, list[Contender]] = {}
    for one in contenders:
        if one.system is not None:
            asked.setdefault(one.system, []).append(one)
    yield from ((system, tuple(of)) for system, of in asked.items())


def identity(cfg: Config, one: Contender) -> dict[str, Any]:
    """Everything but prompts and decoding that determines what a contender answers."""
    if one.system is None:
        return {"answers": str(one.answers)}
    if one.system.located is None:  # which model a server runs under a name is not known
        return {"base_url": one.system.base_url, "model": one.served_as}
    from mentalft.modeling.precision import plan_precision

    plan = plan_precision(cfg.trainer.precision)
    packages = ("torch", "transformers", *(("vllm",) if one.system.engine == "vllm" else ()))
    return {
        "weights": one.system.located.fingerprint(),
        "adapter": sha256_folder(one.adapter, ("adapter_*",)) if one.adapter else None,
        "engine": one.system.engine,
        "precision": plan.name,
        "device": plan.device,
        "attention": cfg.model.attn_implementation,
        "quantization": cfg.model.quantization,
        "versions": {"mentalft": __version__, **{name: version(name) for name in packages}},
    }
