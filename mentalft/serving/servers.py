"""The servers that exist, and how each is started so that it answers as was evaluated."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from mentalft.config import Config
from mentalft.errors import ConfigError
from mentalft.generation.vllm_engine import check_vllm, lora_arguments
from mentalft.modeling.adapter import CONFIG
from mentalft.modeling.precision import PrecisionPlan
from mentalft.serving.models import Served

NEEDED = ("fastapi", "uvicorn", "openai", "pydantic")
"""By ``transformers serve``."""


class Command(NamedTuple):
    arguments: list[str]
    environment: dict[str, str]
    """Beside that of this process."""


class Server(NamedTuple):
    name: str
    title: str
    check: Callable[[Config, PrecisionPlan, Sequence[Served]], None]
    """Raises ConfigError where it cannot serve these here."""
    command: Callable[[Config, PrecisionPlan, Sequence[Served], Path], Command]
    loads_when_asked: bool
    """Whether each model is loaded by the first request for it."""


def choose(asked: str, cfg: Config, plan: PrecisionPlan, served: Sequence[Served]) -> Server:
    """The server that ``--engine`` asks for; ``auto`` is vLLM where it can serve these here, else transformers.

    Raises:
        ConfigError: it cannot.
    """
    if asked == "auto":
        try:
            VLLM.check(cfg, plan, served)
        except ConfigError:
            asked = TRANSFORMERS.name
        else:
            return VLLM
    server = {one.name: one for one in (TRANSFORMERS, VLLM)}[asked]
    server.check(cfg, plan, served)
    return server


def _check_transformers(cfg: Config, plan: PrecisionPlan, served: Sequence[Served]) -> None:  # noqa: ARG001
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise ConfigError(f"transformers serve needs {', '.join(missing)}: pip install 'mentalft[serve]'")


def _transformers(cfg: Config, plan: PrecisionPlan, served: Sequence[Served], root: Path) -> Command:  # noqa: ARG001
    arguments = [sys.executable, "-m", "transformers.cli.transformers", "serve"]
    arguments += ["--dtype", _dtype(plan), "--device", "auto" if plan.device == "cuda" else plan.device]
    arguments += ["--log-level", "error", "--model-timeout=-1", "--attn-implementation", cfg.model.attn_implementation]
    if cfg.model.quantization != "none":
        arguments += ["--quantization", f"bnb-{cfg.model.quantization}"]
    quiet = dict.fromkeys(("HF_HUB_OFFLINE", "HF_HUB_DISABLE_UPDATE_CHECK", "HF_HUB_DISABLE_TELEMETRY"), "1")
    return Command(arguments, {"HF_HUB_CACHE": str(root), **quiet})


def _check_vllm(cfg: Config, plan: PrecisionPlan, served: Sequence[Served]) -> None:
    check_vllm((one.folder for one in _adapters(served)), "--engine vllm")
    if plan.device != "cuda":
        raise ConfigError("--engine vllm needs a CUDA GPU and this machine shows none; use --engine transformers")
    if len({one.base for one in served}) > 1:
        raise ConfigError(
            "--engine vllm serves one model and adapters on it; choose with --only, or use --engine transformers"
        )
    if cfg.model.quantization != "none":
        raise ConfigError(f"model.quantization={cfg.model.quantization} of this run needs --engine transformers")


def _vllm(cfg: Config, plan: PrecisionPlan, served: Sequence[Served], root: Path) -> Command:  # noqa: ARG001
    adapters = _adapters(served)
    names = [one.name for one in served if one not in adapters] or ["without-adapter"]
    arguments = [str(Path(sys.executable).with_name("vllm")), "serve", str(served[0].base), "--dtype", _dtype(plan)]
    arguments += ["--served-model-name", *names]
    lora: dict[str, Any] = lora_arguments([one.folder for one in adapters])
    if adapters:
        arguments += ["--enable-lora", "--max-lora-rank", str(lora["max_lora_rank"])]
        arguments += ["--lora-modules", *(f"{one.name}={one.folder}" for one in adapters)]
    return Command(arguments, {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"})


def _adapters(served: Sequence[Served]) -> list[Served]:
    return [one for one in served if (one.folder / CONFIG).is_file()]


def _dtype(plan: PrecisionPlan) -> str:
    return str(plan.base_dtype).removeprefix("torch.")


TRANSFORMERS = Server("transformers", "transformers serve", _check_transformers, _transformers, loads_when_asked=True)
VLLM = Server("vllm", "vLLM", _check_vllm, _vllm, loads_when_asked=False)
