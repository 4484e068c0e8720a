"""``manifest.json``: what a run was made with, from and on."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from mentalft import __version__
from mentalft.completion import costs
from mentalft.config import Config
from mentalft.files import read_json, write_json

LIBRARIES = (
    "torch", "transformers", "peft", "accelerate", "datasets", "tokenizers", "hydra-core", "wandb",
    "sentence-transformers", "nltk", "rouge-score", "jieba", "numpy", "scipy",
)  # fmt: skip


def write_manifest(cfg: Config, choices: dict[str, str], model: dict[str, str | None] | None, run_dir: Path) -> None:
    """Write ``manifest.json`` from the configuration, the machine, and the costs that stages recorded."""
    report = run_dir / "data" / "report.json"
    write_json(
        run_dir / "manifest.json",
        {
            "mentalft": __version__,
            "git_commit": _git_commit(),
            "command": ["mentalft", *_arguments()],
            "choices": choices,
            "seeds": {"seed": cfg.seed, "split_seed": cfg.data.split_seed},
            "versions": {"python": platform.python_version(), **{name: _version(name) for name in LIBRARIES}},
            "hardware": _hardware(),
            "data": read_json(report)["source"] if report.is_file() else None,
            "model": model,
            "stages": costs(run_dir),
        },
    )


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _arguments() -> list[str]:
    """The command's own overrides; what mentalft added for Hydra is left out."""
    return [a for a in sys.argv[1:] if not a.startswith(("hydra.run.dir=", "hydra.sweep.dir="))]


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
