"""``config.resolved.yaml``: what the results in a run directory were made with, be it by one command or by several."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from mentalft.runs.markers import configs, markers
from mentalft.config import ASKING, EMBEDDED, STAGES
from mentalft.files import write_text

OWNERS = {
    "seed": ("train", "evaluate", "compare"),
    "data": ("prepare", "train", "evaluate"),
    "model": ("train", "evaluate"),
    "lora": ("train",),
    "trainer": ("train", "evaluate"),
    "eval": ("compare", "evaluate"),
}
"""Section → stages, the first of which that was completed has its values; other sections are the last command's,
``stages`` (all that are complete) and ``run_dir`` (null) aside: the whole is as if one command had done it all."""
TOKENISED = ("train", "evaluate", "prepare")
"""Whose ``data.max_length`` counts: the prepare stage does not cut."""


def write_settings(run_dir: Path, now: dict[str, Any]) -> None:
    """Write ``config.resolved.yaml``.

    Args:
        now: the present command's whole configuration, for what no completed stage has used.
    """
    write_text(run_dir / "config.resolved.yaml", OmegaConf.to_yaml(OmegaConf.create(settings_of(run_dir, now))))


def settings_of(run_dir: Path, now: dict[str, Any]) -> dict[str, Any]:
    """The configuration that the completed stages of ``run_dir`` ran with, section by section, as of one command."""
    done = markers(run_dir)
    used = configs(done)

    def of(stages: Sequence[str]) -> dict[str, Any]:
        return next((used[stage] for stage in stages if stage in used), now)

    if not used:
        return now
    found = {**now, **{section: of(stages)[section] for section, stages in OWNERS.items()}}
    found["data"] = {**found["data"], "max_length": of(TOKENISED)["data"]["max_length"]}
    asked = of(("evaluate", "compare"))["eval"]
    found["eval"] = {key: asked[key] if key in ASKING else value for key, value in found["eval"].items()}
    return {**found, "stages": [stage for stage in STAGES if stage in done], "run_dir": None}


def is_demonstration(run_dir: Path) -> bool:
    """Whether the answers in ``run_dir`` are those of the embedded model, tuned and asked on embedded data."""
    used = configs(markers(run_dir))
    if not {"prepare", "evaluate"} <= used.keys():
        return False
    model, asking = used["evaluate"]["model"], used["evaluate"]["eval"]
    by_embedded = model["name_or_path"] == EMBEDDED and asking["engine"] != "openai" and asking["items"] != "file"
    return bool(by_embedded and used["prepare"]["data"]["path"] == EMBEDDED)
