"""The names under which W&B shows an experiment; docs/wandb.md promises them to users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mentalft.records import CAUTION, NOT_COMPARABLE, PRIMARY, Comparison
from mentalft.words import Said, told

STEP = "train/step"
CURVES = {
    STEP: None,
    "train/*": None,
    "validation/*": None,
    "train/loss": "min,last",
    "validation/loss": "min,last",
    "train/tokens_per_second": "mean,last",
    "train/memory_bytes": "max",
    "validation/generation_bleu": "max,last",
    "validation/generation_rougeL": "max,last",
}
"""What is logged against ``STEP``, and which of its values the run's summary keeps; None keeps the last."""

LONGEST_TAG, LONGEST_NAME = 64, 128
"""Characters that W&B takes."""


def flattened(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """``{"lora": {"r": 8}}`` as ``{"lora/r": 8}``.

    With a slash, not a dot: W&B takes a dot in a name for a way into a mapping, and its filters then find nothing
    (https://github.com/wandb/wandb/issues/3087).
    """
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= flattened(value, f"{prefix}{key}/")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def run_config(config: Mapping[str, Any], choices: Mapping[str, str]) -> dict[str, Any]:
    """Every setting by its full name, and the option chosen of each group under the name of the group."""
    return {**flattened(config), **choices}


def job_type(stages: Sequence[str]) -> str:
    """``train+evaluate``, ``evaluate``, ``compare`` …: the stages that say what a run is for."""
    telling = [stage for stage in ("train", "evaluate") if stage in stages]
    return "+".join(telling) or ("compare" if "compare" in stages else stages[-1])


def run_name(trial: str | None, run_dir: Path, *, log_text: bool) -> str:
    """A trial's own name, which is its overrides, unless text of the data is among them; else the directory's."""
    if trial and (log_text or "system_message" not in trial):
        return trial[:LONGEST_NAME]
    return f"{run_dir.parent.name}/{run_dir.name}"


def run_tags(own: Sequence[str], *names: str) -> list[str]:
    """The user's tags and ``names``, each once and no longer than W&B takes."""
    return list(dict.fromkeys(tag[:LONGEST_TAG] for tag in (*own, *names) if tag))


def comparison_summary(comparison: Comparison) -> dict[str, float | str]:
    """Every metric's scores, interval, corrected p and verdict, and what they rest on."""
    values: dict[str, float | str] = {
        "comparison/items": comparison.items,
        "comparison/dialogues": comparison.dialogues,
        "comparison/primary": next((m.metric for m in comparison.metrics if m.role == PRIMARY), ""),
        "comparison/cautions": sum(gate.level == CAUTION for gate in comparison.gates),
        "comparison/not_comparable": sum(gate.level == NOT_COMPARABLE for gate in comparison.gates),
    }
    for m in comparison.metrics:
        values |= {f"{name}/{m.metric}": score for name, score in m.scores.items()}
        for name, d in m.differences.items():
            of = f"{m.metric}" if len(comparison.others) == 1 else f"{m.metric}/{name}"
            values |= {
                f"difference/{of}": d.difference,
                f"difference_low/{of}": d.interval.low,
                f"difference_high/{of}": d.interval.high,
                **({} if d.p_holm is None else {f"p_holm/{of}": d.p_holm}),
                f"verdict/{of}": told(Said(f"verdict.{d.verdict}")),
            }
    return values
