"""``manifest.json``: what a run was made with, from and on.

The record is kept stage by stage, in the completion markers, when a stage has really run; the manifest is put together
from them. A later command that runs one stage again so changes the record of that stage alone (docs/decisions/015).
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from mentalft import __version__
from mentalft.runs.markers import markers
from mentalft.config import STAGES, Config
from mentalft.files import read_json, sha256_json, write_json

SCHEMA = 1
"""Version of the manifest's form, ``mentalft/assets/manifest.schema.json``; a change that breaks readers raises it."""
LIBRARIES = (
    "torch", "transformers", "peft", "accelerate", "datasets", "tokenizers", "hydra-core", "wandb",
    "sentence-transformers", "nltk", "rouge-score", "sacrebleu", "jieba", "numpy", "scipy",
)  # fmt: skip
LEADING = ("train", "evaluate", "compare", "prepare")
"""The first of these that a run has stands for the whole run at the top of the manifest."""
RECORDED = ("mentalft", "git_commit", "command", "choices", "seeds", "versions", "hardware", "model")
"""What stands at the top, and again with each stage."""


def record_of(
    cfg: Config, overrides: Sequence[str], choices: dict[str, str], model: dict[str, str | None] | None
) -> dict[str, Any]:
    """What the present command is, and what it runs with and on; kept with each stage that it runs.

    Args:
        overrides: the command's own, such as ``lora.r=4``; of a sweep, those of this job.
    """
    return {
        "mentalft": __version__,
        "git_commit": _git_commit(),
        "command": ["mentalft", *map(_without_home, overrides)],
        "choices": choices,
        "seeds": {"seed": cfg.seed, "split_seed": cfg.data.split_seed},
        "versions": dict(versions()),
        "hardware": _hardware(),
        "model": model,
        "config": asdict(cfg),
    }


def write_manifest(run_dir: Path, now: dict[str, Any]) -> None:
    """Write ``manifest.json`` from what the stages recorded; ``now`` (:func:`record_of`) stands in while none has."""
    write_json(run_dir / "manifest.json", manifest_of(run_dir, now))


def manifest_of(run_dir: Path, now: dict[str, Any]) -> dict[str, Any]:
    done = markers(run_dir)
    lead = next((done[stage]["record"] for stage in LEADING if "record" in done.get(stage, {})), now)
    report = run_dir / "data" / "report.json"
    return {
        "schema": SCHEMA,
        **{key: lead.get(key) for key in RECORDED},
        "data": read_json(report)["source"] if report.is_file() else None,
        "stages": {stage: _stage(done[stage]) for stage in STAGES if stage in done},
    }


def _stage(marker: dict[str, Any]) -> dict[str, Any]:
    record = dict(marker.get("record", {}))
    config = record.pop("config", None)
    return {
        **marker["cost"],
        **record,
        **({"config_sha256": sha256_json(config)} if config else {}),
        "outputs": marker["outputs"],
    }


@cache
def versions() -> dict[str, str | None]:
    """Of Python and of the libraries that results depend on; None for one that is not installed."""
    return {"python": platform.python_version(), **{name: _version(name) for name in LIBRARIES}}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _without_home(override: str) -> str:
    """The home folder's name is nobody's business; Hydra puts it back where the command is given again."""
    return override.replace(f"{Path.home()}{os.sep}", f"${{oc.env:HOME}}{os.sep}")


@cache
def _git_commit() -> str | None:
    """Commit of the checkout that mentalft runs from; None for an installed package."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _hardware() -> dict[str, Any]:
    gpus: list[str] = []
    if "torch" in sys.modules:
        import torch

        gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {
        "platform": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "gpus": gpus,
    }
