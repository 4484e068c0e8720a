"""What stands in each section of ``report.html``, taken from what a run left; None for what it has no stage for."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any, NamedTuple

from omegaconf import OmegaConf

from mentalft.config import RUNNING_ORDER
from mentalft.errors import override
from mentalft.runs.loading import FinishedRun
from mentalft.runs.stage import settings_used_by, used_by
from mentalft.show.comparison import decoding_of
from mentalft.show.report.secrets import without_secrets
from mentalft.words import Language, labels, told

MOST_TOPICS = 30
"""Topics of the data named one by one."""


class Stage(NamedTuple):
    name: str
    seconds: float
    memory: int | None
    gpu_memory: int | None


def name_of(run: FinishedRun) -> str:
    """The run directory as people call it: its day and its time, or its name."""
    path = run.run_dir.resolve()
    return f"{path.parent.name}/{path.name}" if path.parent.name[:2] == "20" else path.name


def facts(run: FinishedRun, language: Language) -> list[tuple[str, str]]:
    """Label and value of what a reader must know beside the verdict."""
    c, manifest = run.comparison, run.manifest or {}
    started = [str(stage["started"]) for stage in (manifest.get("stages") or {}).values() if stage.get("started")]
    found = [
        ("started", min(started, default="")[:16].replace("T", " ")),
        ("model", (manifest.get("model") or {}).get("name")),
        ("data_set", (manifest.get("data") or {}).get("name")),
        ("items_asked", f"{c.items:,}"),
        ("dialogues", f"{c.dialogues:,}"),
        ("decoding", told(decoding_of(c.decoding), language)),
        ("seed", str((manifest.get("seeds") or {}).get("seed", c.seed))),
    ]
    w = labels("report", language)
    return [(w[key], value) for key, value in found if value]


def data(run: FinishedRun) -> dict[str, Any] | None:
    """``data/report.json``, with the topics that have most dialogues."""
    if run.data is None:
        return None
    topics = {name: sum(sizes.values()) for name, sizes in run.data.topics.items()}
    return {
        **vars(run.data),
        "splits": [name for name in ("train", "validation", "test") if name in run.data.dialogues],
        "personal": run.data.personal,
        "first_topics": list(topics.items())[:MOST_TOPICS],
        "more_topics": max(len(topics) - MOST_TOPICS, 0),
    }


def settings(run: FinishedRun) -> str | None:
    """``config.resolved.yaml`` without groups that no stage used, and what looks like a key or a password."""
    path = run.run_dir / "config.resolved.yaml"
    if not path.is_file():
        return None
    text, stages = path.read_text(encoding="utf-8"), (run.manifest or {}).get("stages")
    if stages:
        found: Any = OmegaConf.to_container(OmegaConf.create(text))
        text = OmegaConf.to_yaml(settings_used_by(stages, used_by(stages, found)))
    return without_secrets(text)


def costs(run: FinishedRun) -> list[Stage]:
    """Seconds and peaks by stage, in the order in which they ran."""
    found = (run.manifest or {}).get("stages") or {}
    names = sorted(found, key=lambda name: RUNNING_ORDER.index(name) if name in RUNNING_ORDER else len(RUNNING_ORDER))
    return [
        Stage(n, found[n]["seconds"], found[n].get("peak_memory_bytes"), found[n].get("peak_gpu_memory_bytes"))
        for n in names
    ]


def environment(run: FinishedRun, words: dict[str, str]) -> list[tuple[str, str]]:
    """Name and value of what a run was made with."""
    if run.manifest is None:
        return []
    manifest, hardware = run.manifest, run.manifest.get("hardware") or {}
    parts = [
        str(hardware.get("platform", "")),
        words["cpus"].format(n=hardware["cpus"]) if hardware.get("cpus") else "",
        words["memory_of"].format(n=round(hardware["memory_bytes"] / 2**30)) if hardware.get("memory_bytes") else "",
        ", ".join(hardware.get("gpus") or []) or words["no_gpu"],
    ]
    versions = {name: version for name, version in (manifest.get("versions") or {}).items() if version}
    return [
        ("mentalft", str(manifest.get("mentalft", ""))),
        *([(words["commit"], str(manifest["git_commit"])[:12])] if manifest.get("git_commit") else []),
        (words["hardware"], ", ".join(filter(None, parts))),
        *((name, str(version)) for name, version in versions.items()),
    ]


def commands(run: FinishedRun) -> list[str]:
    """The run's commands as a shell takes them, without keys or passwords: one, unless stages were run apart.

    Several name the directory that they share, and one that named its directory does too: by the folder's own name, so
    that they can be given elsewhere.
    """
    manifest = run.manifest or {}
    stages = sorted((manifest.get("stages") or {}).values(), key=lambda stage: str(stage.get("started", "")))
    given = [stage["command"] for stage in stages if stage.get("command")] or [manifest.get("command")]
    distinct = list(dict.fromkeys(tuple(map(str, one)) for one in given if one))
    named = [_in_folder(one, run.run_dir.resolve().name, always=len(distinct) > 1) for one in distinct]
    return list(dict.fromkeys(shlex.join(map(without_secrets, one)) for one in named))


def _in_folder(command: Sequence[str], name: str, *, always: bool) -> list[str]:
    """``command`` with the folder ``name`` as its ``run_dir``, where it had one or at the end."""
    here = override("run_dir", name)
    named = [here if argument.lstrip("+").partition("=")[0] == "run_dir" else argument for argument in command]
    return named if here in named or not always else [*named, here]


def size(count: float | None) -> str:
    """Bytes as people read them."""
    if count is None:
        return "–"
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:,.0f} {unit}"
        count /= 1024
    return f"{count:,.2f} GiB"
