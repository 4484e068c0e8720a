"""After the answers, where it is asked for: what the training cost in general ability."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mentalft.config import Config
from mentalft.config.contenders import OF_THIS_RUN, key_of, specs
from mentalft.errors import ConfigError
from mentalft.files import digest_file
from mentalft.runs.stage import Context, Stage, digest

if TYPE_CHECKING:
    from mentalft.generation.contenders import Contender


def _contenders(context: Context) -> tuple[Contender, ...]:
    from mentalft.generation.contenders import contenders_in

    return contenders_in(context)


def _from_run(context: Context) -> dict[str, Any]:
    from mentalft.data.prepare import split_paths
    from mentalft.generation.contenders import adapter_digests

    adapters = adapter_digests(_contenders(context))
    return {"data": [digest(split_paths(context.run_dir).validation)], "adapter": adapters}


def _inputs(context: Context) -> dict[str, Any]:
    from mentalft.data.read.sources import local_files
    from mentalft.forgetting.probe import KEY
    from mentalft.generation.contenders import models

    path = context.cfg.forgetting.path
    return {
        "model.fingerprint": {one.name: context.fingerprint(one) for one in models(_contenders(context))},
        "files": [digest_file(file) for file in local_files(path, key=KEY)] if path else [],
    }


def _work(context: Context) -> None:
    from mentalft.data.prepare import splits_in
    from mentalft.forgetting.measure import measure

    measure(context.cfg, _contenders(context), splits_in(context.run_dir).validation, context.run_dir)


def _reads(cfg: Config) -> Iterator[tuple[str, str | None]]:
    yield "forgetting.path", cfg.forgetting.path
    for name, spec in specs(cfg).items():
        for field in ("adapter", "name_or_path"):
            if getattr(spec, field) != OF_THIS_RUN:
                yield key_of(name, field), getattr(spec, field)


def _loads_model(cfg: Config) -> bool:
    from mentalft.generation.contenders import loads_model

    return loads_model(cfg)


def _check(cfg: Config) -> None:
    from mentalft.forgetting.probe import probe_of

    base = specs(cfg)[cfg.eval.baseline]
    if not base.is_local:
        raise ConfigError(
            f"stages holds forgetting, and the baseline {cfg.eval.baseline} is not loaded here, so that nothing can be "
            "held against it; name another eval.baseline, or leave forgetting out"
        )
    probe_of(cfg.forgetting)


FORGETTING = Stage(
    "forgetting",
    work=_work,
    needs=("prepare",),
    writes=("forgetting.json", "forgetting/*.jsonl", "forgetting/answers/*.jsonl"),
    leaves=("forgetting/*.jsonl", "forgetting/answers/*.jsonl"),
    from_run=_from_run,
    inputs=_inputs,
    reads=_reads,
    loads_model=_loads_model,
    check=_check,
    leads=False,
)
