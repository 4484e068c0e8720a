"""Sweep directories as ``mentalft -m`` leaves them, made up in a moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from mentalft.comparison.scores import ScoreSheet, write_scores
from mentalft.files import write_jsonl, write_text
from mentalft.records import (
    BETTER,
    UNDECIDED,
    WORSE,
    AnswerLengths,
    Comparison,
    DataReport,
    Difference,
    Interval,
    MetricResult,
    Verdict,
)
from mentalft.runs.files import COMPARISON, DATA_REPORT
from mentalft.runs.markers import Cost, Hardware, Marker, Record, marker_file
from mentalft.runs.sweep_files import STATUS, SWEEP_PLAN, Status, SweepPlan
from mentalft.show.sweep.trials import Trial

ITEMS, DIALOGUES = 60, 20
TITLES = {"rougeL": "ROUGE-L", "cosine": "cosine", "perplexity": "perplexity"}


def trial(number: int, *overrides: str, objective: float | None = None) -> Trial:
    """A finished trial, as far as its status tells."""
    started = "2026-11-23T09:00:00+01:00"
    state = Status(
        number, list(overrides), [], "done", None, objective, "validation_loss", "minimize", started, None, None, [], {}
    )
    return Trial(state)


def make_plan(sweep_dir: Path, *swept: str, **more: Any) -> None:
    plan = {
        "command": ["mentalft", "-m", "experiment=quick", *swept], "overrides": list(swept), "sweeper": "basic",
        "launcher": "basic", "started": "2026-11-23T09:00:00+01:00",
    }  # fmt: skip
    SWEEP_PLAN.save(sweep_dir, SweepPlan(**{**plan, **more}))


def make_trial(
    sweep_dir: Path,
    number: int,
    *overrides: str,
    objective: float | None = 3.0,
    state: str = "done",
    error: str | None = None,
    objective_name: str = "validation_loss",
    direction: str = "minimize",
    seconds: float = 100.0,
    compared: bool = True,
    trained: bool = True,
    dialogues: int = 200,
    worse: float = 0.0,
) -> Path:  # fmt: skip
    """A trial's directory; ``worse`` is how much the loss of each test reference is raised."""
    run_dir = sweep_dir / str(number)
    fields: dict[str, Any] = {
        "job": number, "overrides": list(overrides), "fixed": [], "state": state, "error": error,
        "objective": objective, "objective_name": objective_name, "direction": direction,
        "started": "2026-11-23T09:00:00+01:00",
        "ended": None if state == "running" else "2026-11-23T09:05:00+01:00",
        "seconds": None if state == "running" else seconds,
        "command": ["mentalft", "experiment=quick", *overrides], "choices": {"lora": "qv_r8"},
    }  # fmt: skip
    STATUS.save(run_dir, Status(**fields))
    if state == "done" and trained:
        make_training(run_dir, seconds, dialogues)
    if state == "done" and compared:
        make_comparison(run_dir, worse)
    return run_dir


def make_training(run_dir: Path, seconds: float, dialogues: int) -> None:
    rows: Sequence[Mapping[str, float]] = (
        {"train/step": 0, "validation/loss": 6.5},
        {"train/step": 5, "train/loss": 4.0, "train/memory_bytes": 1.5 * 2**30},
        {"train/step": 10, "validation/loss": 3.2},
    )
    write_jsonl(run_dir / "training.jsonl", rows)
    make_marker(run_dir, "train", seconds * 0.6)
    make_marker(run_dir, "prepare", 1, **{"data/validation.jsonl": "v"})
    report = DataReport((), {}, {"train": dialogues, "validation": 20, "test": 20}, {})
    DATA_REPORT.save(run_dir, report)
    header = b'{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[8,64],"data_offsets":[0,2048]},"b":{"dtype":"F32","shape":[8],"data_offsets":[2048,2080]}}'
    weights = len(header).to_bytes(8, "little") + header + bytes(2080)
    (run_dir / "adapter").mkdir(exist_ok=True)
    (run_dir / "adapter" / "adapter_model.safetensors").write_bytes(weights)
    write_text(run_dir / "report.html", "<!doctype html><title>a run</title>")


def make_marker(run_dir: Path, stage: str, seconds: float = 1, **outputs: str) -> None:
    ran = Record("0.1", None, [], {}, {}, {}, Hardware("", None, 0, []), None, {})
    marker_file(stage).save(run_dir, Marker("2026-11-23T08:00:00", {}, outputs, Cost(seconds, 0), ran))


def make_comparison(run_dir: Path, worse: float = 0.0) -> None:
    """Scores whose test losses are paired with those of every other made-up trial, but for a little noise."""
    shared, own = np.random.default_rng(0), np.random.default_rng(sum(map(ord, run_dir.name)))
    tokens = np.full(ITEMS, 20.0)
    nll = tokens * (3 + shared.normal(0, 0.5, ITEMS) + worse + own.normal(0, 0.02, ITEMS))
    plain = np.column_stack([shared.random(ITEMS), np.ones(ITEMS)])
    parts = {
        "base": {"rougeL": plain, "cosine": plain, "perplexity": np.column_stack([tokens * 6.5, tokens])},
        "tuned": {"rougeL": plain + np.array([0.02, 0]), "cosine": plain, "perplexity": np.column_stack([nll, tokens])},
    }
    lengths = np.full(ITEMS, 30.0)
    ids = tuple(f"d{i % DIALOGUES}#{i}" for i in range(ITEMS))
    sheet = ScoreSheet(
        ids, tuple(f"h{i}" for i in ids), tuple(f"d{i % DIALOGUES}" for i in range(ITEMS)), (None,) * ITEMS,
        (1,) * ITEMS, {"base": lengths, "tuned": lengths}, parts,
    )  # fmt: skip
    write_scores(sheet, run_dir)
    COMPARISON.save(run_dir, comparison(float(np.exp(nll.sum() / tokens.sum()))))


def comparison(perplexity: float) -> Comparison:
    lengths = AnswerLengths(30.0, 1.0)
    return Comparison(
        baseline="base", contenders=("base", "tuned"), items=ITEMS, dialogues=DIALOGUES, confidence=0.95,
        resamples=1000, seed=42, decoding="greedy",
        metrics=(
            metric("rougeL", 0.08, 0.11, 0.01, BETTER),
            metric("cosine", 0.30, 0.31, 0.02, UNDECIDED),
            metric("perplexity", 665.0, perplexity, 40.0, BETTER if perplexity < 600 else WORSE, higher=False),
        ),
        answers={"base": lengths, "tuned": lengths}, checks={},
    )  # fmt: skip


def metric(name: str, base: float, tuned: float, reach: float, verdict: str, *, higher: bool = True) -> MetricResult:
    d = tuned - base
    found = Difference(d, Interval(d - reach, d + reach), 40, 5, 15, 0.001, 0.003, reach, cast(Verdict, verdict))
    scores = {"base": base, "tuned": tuned}
    return MetricResult(name, TITLES[name], f"{name}|made up", higher, None, scores, {"tuned": found})
