"""Stage 2: a PEFT adapter, and before it (or by itself) what training will cost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mentalft.config import Config
from mentalft.runs.stage import Context, Stage, digest


def _from_run(context: Context) -> dict[str, Any]:
    from mentalft.data.prepare import split_paths

    splits = split_paths(context.run_dir)
    return {"data": [digest(splits.train), digest(splits.validation)]}


def _inputs(context: Context) -> dict[str, Any]:
    from mentalft.files import sha256_folder

    started = context.cfg.lora.adapter
    folder = Path(started).expanduser() if started else None
    return {
        "model.fingerprint": context.fingerprint(),
        **({"lora.adapter": sha256_folder(folder, ("adapter_*",))} if folder else {}),
    }


def _train(context: Context) -> None:
    from mentalft.data.prepare import splits_in
    from mentalft.training.train import train

    train(context.cfg, context.model(), splits_in(context.run_dir), context.run_dir, context.log)


def _preflight(context: Context) -> None:
    from mentalft.data.prepare import splits_in
    from mentalft.training.train import check

    check(context.cfg, context.model(), splits_in(context.run_dir), context.run_dir)


def _reads(cfg: Config) -> Iterator[tuple[str, str | None]]:
    yield "lora.adapter", cfg.lora.adapter
    yield "model.name_or_path", cfg.model.name_or_path


def _check(cfg: Config) -> None:
    if cfg.lora.adapter:
        from mentalft.modeling.adapter import check_adapter

        check_adapter(Path(cfg.lora.adapter).expanduser(), "lora.adapter")


PREFLIGHT = Stage(
    "preflight",
    work=_preflight,
    needs=("prepare",),
    writes=("preflight.json",),
    from_run=_from_run,
    inputs=_inputs,
    reads=_reads,
    loads_model=True,
    check=_check,
    leads=False,
)

TRAIN = Stage(
    "train",
    work=_train,
    needs=("prepare",),
    writes=("adapter/*", "training.json", "training.jsonl"),
    leaves=("checkpoints/checkpoint-*", "checkpoints/beginning", "checkpoints/gathered"),
    rewritten=("adapter/README.md",),
    from_run=_from_run,
    inputs=_inputs,
    reads=_reads,
    loads_model=True,
    check=_check,
)
