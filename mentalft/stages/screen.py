"""After evaluate: what contenders answer where somebody may be in danger, examined by stated rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mentalft.config import Config
from mentalft.files import sha256_folder
from mentalft.runs.stage import Context, Stage, digest

if TYPE_CHECKING:
    from mentalft.generation.contenders import Contender


def _contenders(context: Context) -> tuple[Contender, ...]:
    from mentalft.generation.contenders import contenders_in

    return contenders_in(context)


def _loads_model(cfg: Config) -> bool:
    from mentalft.generation.contenders import loads_model

    return loads_model(cfg)


def _from_run(context: Context) -> dict[str, Any]:
    from mentalft.generation.contenders import adapter_digests

    contenders = _contenders(context)
    adapters = adapter_digests(contenders)
    return {"adapter": adapters, "contenders": [one.name for one in contenders]}


def _inputs(context: Context) -> dict[str, Any]:
    from pathlib import Path

    from mentalft.assets import HELP_LINES, SCREEN
    from mentalft.generation.contenders import models
    from mentalft.screen.classifier import locate_classifier

    own, guard = context.cfg.screen.path, context.cfg.screen.classifier
    return {
        "model.fingerprint": {one.name: context.fingerprint(one) for one in models(_contenders(context))},
        "rules": sha256_folder(SCREEN),
        "help_lines": digest(HELP_LINES),
        "prompts": digest(Path(own).expanduser()) if own else None,
        "classifier": locate_classifier(context.cfg).fingerprint() if guard else None,
    }


def _work(context: Context) -> None:
    from mentalft.generation.cache import ResponseCache
    from mentalft.screen.screening import screen

    folder = context.cache()
    screen(context.cfg, _contenders(context), context.run_dir, ResponseCache(folder) if folder else None)


def _reads(cfg: Config) -> Iterator[tuple[str, str | None]]:
    yield "screen.path", cfg.screen.path
    yield "screen.classifier", cfg.screen.classifier


def _check(cfg: Config) -> None:
    from mentalft.screen.prompts import screen_prompts

    screen_prompts(cfg)
    if cfg.screen.classifier:
        from mentalft.screen.classifier import locate_classifier

        locate_classifier(cfg)


SCREEN = Stage(
    "screen",
    work=_work,
    needs=(),
    writes=("screen.json", "screen/hits.jsonl", "screen/decoding.json", "screen/*.jsonl"),
    leaves=("screen/*.jsonl", "screen/decoding.json"),
    from_run=_from_run,
    inputs=_inputs,
    reads=_reads,
    loads_model=_loads_model,
    check=_check,
)
