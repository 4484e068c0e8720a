"""Stage 4: every contender against the baseline, with intervals and a verdict."""

from __future__ import annotations

from typing import Any

from mentalft.config import Config
from mentalft.records import Asked
from mentalft.runs.stage import Context, Stage, digest
from mentalft.words import Said


def _overlap(context: Context) -> tuple[Said, ...]:
    """What is known of how much of what was asked was trained on."""
    from mentalft.data.report import overlap_in

    return overlap_in(context.run_dir)


def _asked(context: Context) -> Asked:
    from mentalft.generation.evaluate import asked_in

    return context.once("asked", lambda: asked_in(context.run_dir, context.cfg.eval.baseline))


def _from_run(context: Context) -> dict[str, Any]:
    asked = _asked(context)
    measured = context.cfg.eval.perplexity and asked.perplexity
    return {
        "overlap": _overlap(context),
        "likelihoods": digest(asked.perplexity) if measured and asked.perplexity else None,
        "problems": asked.problems,
        "items": digest(asked.folder / "items.jsonl"),
        "responses": {name: digest(path) for name, path in asked.responses.items()},
    }


def _work(context: Context) -> None:
    from mentalft.comparison.compare import compare

    cfg, run_dir = context.cfg, context.run_dir
    compare(cfg.eval, _asked(context), cfg.seed, run_dir, _overlap(context))


def _check(cfg: Config) -> None:
    from mentalft.metrics.registry import check_available

    check_available(cfg.eval)


COMPARE = Stage(
    "compare",
    work=_work,
    needs=("evaluate|answers",),
    writes=("metrics.json", "comparison.md", "comparison.csv", "comparison.json", "items.jsonl", "scores.jsonl"),
    rewritten=("comparison.md",),
    from_run=_from_run,
    check=_check,
)
