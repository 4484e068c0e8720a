"""``manifest.json`` and ``config.resolved.yaml``: what a run was made with, from and on.

The record is kept stage by stage, in the completion markers, when a stage has really run; both files are put together
from them. A later command that runs one stage again so changes the record of that stage alone (docs/decisions/015).
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import psutil

from mentalft import __version__
from mentalft.config import EMBEDDED, Config
from mentalft.config.fields import MODEL, settings_of, stages_of
from mentalft.files import sha256_json, write_json, write_text
from mentalft.runs.declared import declared_in
from mentalft.runs.files import DATA_REPORT
from mentalft.runs.markers import Hardware, Marker, ModelRecord, Record, markers, unfinished
from mentalft.runs.stage import Stage, owner, settings_used_by, used_by

if TYPE_CHECKING:
    from mentalft.modeling.locate import LocatedModel

SCHEMA = 2
"""Version of the manifest's form, ``mentalft/assets/manifest.schema.json``; a change that breaks readers raises it."""
RESOLVED = "config.resolved.yaml"
LIBRARIES = (
    "torch", "transformers", "peft", "accelerate", "datasets", "tokenizers", "hydra-core", "wandb",
    "sentence-transformers", "nltk", "rouge-score", "sacrebleu", "jieba", "numpy", "scipy",
)  # fmt: skip


def record_of(cfg: Config, overrides: Sequence[str], choices: dict[str, str], located: LocatedModel | None) -> Record:
    """What the present command is, and what it runs with and on; kept with each stage that it runs.

    Args:
        overrides: the command's own, such as ``lora.r=4``; of a sweep, those of this job.
    """
    return Record(
        mentalft=__version__,
        git_commit=_git_commit(),
        command=["mentalft", *map(_without_home, overrides)],
        choices=choices,
        seeds={"seed": cfg.seed, "split_seed": cfg.data.split_seed},
        versions=dict(versions()),
        hardware=_hardware(),
        model=ModelRecord(located.name, located.revision, located.fingerprint(), cfg.model.hub) if located else None,
        config=asdict(cfg),
    )


def write_records(run_dir: Path, now: Record, stages: Sequence[Stage]) -> None:
    """Write ``manifest.json`` and ``config.resolved.yaml`` from what the stages recorded.

    Args:
        now: the present command, for what no complete stage has used.
        stages: every stage there is, in running order.
    """
    from omegaconf import OmegaConf

    done = markers(run_dir)
    text = OmegaConf.to_yaml(OmegaConf.create(resolved(done, now.config, stages)))
    write_text(run_dir / RESOLVED, text)
    write_json(run_dir / "manifest.json", manifest_of(run_dir, done, now, stages))


def manifest_of(run_dir: Path, done: Mapping[str, Marker], now: Record, stages: Sequence[Stage]) -> dict[str, Any]:
    """What ``manifest.json`` is to hold."""
    record = leading(done, stages) or now
    at_top = {key: value for key, value in msgspec.to_builtins(record).items() if key != "config"}
    return {
        "schema": SCHEMA,
        **at_top,
        "primary": msgspec.to_builtins(declared_in(run_dir)),
        "data": DATA_REPORT.load(run_dir).source if DATA_REPORT.exists(run_dir) else None,
        "stages": {stage.name: _entry(done[stage.name]) for stage in stages if stage.name in done},
    }


def leading(done: Mapping[str, Marker], stages: Sequence[Stage]) -> Record | None:
    """The record by which the run is known: of the first stage that loaded a model, else of the last complete one."""
    records = [done[stage.name].record for stage in stages if stage.name in done and stage.leads]
    return next((record for record in records if record.model), records[-1] if records else None)


def _entry(marker: Marker) -> dict[str, Any]:
    record = msgspec.to_builtins(marker.record)
    cost = {key: value for key, value in asdict(marker.cost).items() if value is not None}
    digest = sha256_json(record.pop("config"))
    outputs = {name: hashed for name, hashed in marker.outputs.items() if hashed}
    return {**cost, "started": marker.started, **record, "config_sha256": digest, "outputs": outputs}


def resolved(done: Mapping[str, Marker], now: Mapping[str, Any], stages: Sequence[Stage]) -> dict[str, Any]:
    """The configuration that the complete stages ran with, as of one command.

    Each setting is that of the first complete stage on which it bears; others are those of ``now``.
    """
    found = {group: dict(value) if isinstance(value, Mapping) else value for group, value in now.items()}
    for setting in settings_of(Config):
        stage = owner(stages_of(setting), done)
        if stage is not None:
            *path, last = setting.key.split(".")
            here, there = found, done[stage].record.config
            for name in path:
                here[name] = dict(here[name])
                here, there = here[name], there.get(name, {})
            if last in there:  # else the run is older than the setting
                here[last] = there[last]
    if done:
        found |= {
            "stages": [stage.name for stage in stages if stage.name in done and stage.wanted is None],
            "run_dir": None,
        }
    return found


def recorded_precision(run_dir: Path) -> Any:
    """The ``trainer.precision`` that a run began with; None where nothing has used one yet.

    It is ``auto`` only in runs of before it was settled at the beginning.
    """
    from omegaconf import OmegaConf

    path = run_dir / RESOLVED
    found = OmegaConf.select(OmegaConf.load(path), "trainer.precision") if path.is_file() else None
    used = {*MODEL} & {*markers(run_dir), *unfinished(run_dir)}
    return found if used or found != "auto" else None


def shared_settings(cfg: Config, *, log_text: bool) -> dict[str, Any]:
    """What the run uses of its configuration, for a tracker; a system message is text of the data, and stays here."""
    shared = asdict(cfg)
    if not log_text and cfg.data.system_message is not None:
        shared["data"]["system_message"] = f"({len(cfg.data.system_message)} characters)"
    return settings_used_by([*cfg.stages, "answers"], used_by(cfg.stages, shared))


def is_demonstration(run_dir: Path) -> bool:
    """Whether the answers in ``run_dir`` are those of the embedded model, tuned and asked on embedded data."""
    done = markers(run_dir)
    if not {"prepare", "evaluate"} <= done.keys():
        return False
    asked = done["evaluate"].record.config
    elsewhere = ("name_or_path", "base_url", "answers")
    named = [about[key] for about in asked["eval"]["contenders"].values() for key in elsewhere]
    by_embedded = asked["model"]["name_or_path"] == EMBEDDED and asked["eval"]["engine"] != "openai" and not any(named)
    return bool(
        by_embedded and asked["eval"]["items"] != "file" and done["prepare"].record.config["data"]["path"] == EMBEDDED
    )


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


def _hardware() -> Hardware:
    gpus: list[str] = []
    if "torch" in sys.modules:
        import torch

        gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return Hardware(f"{platform.system()} {platform.machine()}", os.cpu_count(), psutil.virtual_memory().total, gpus)
