"""Stage 4: every contender against the baseline, with intervals and a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mentalft.config import Config
from mentalft.records import Asked, Gate
from mentalft.runs.stage import Context, Stage, digest

if TYPE_CHECKING:
    from mentalft.comparison.known import Known


def _known(context: Context) -> Known:
    from mentalft.comparison.known import known_of

    return context.once("known", lambda: known_of(context.cfg.eval, context.run_dir))


def _evidence(context: Context) -> list[Gate]:
    from mentalft.show.evidence import gates_in

    return context.once("evidence", lambda: gates_in(context.run_dir))


def _asked(context: Context) -> Asked:
    from mentalft.generation.evaluate import asked_in

    return context.once("asked", lambda: asked_in(context.run_dir, context.cfg.eval.baseline))


def _from_run(context: Context) -> dict[str, Any]:
    asked = _asked(context)
    measured = context.cfg.eval.perplexity and asked.perplexity
    known = _known(context)
    return {
        "trained": {name: [of.digests(), of.known, of.held_out] for name, of in known.trained.items()},
        "primary": len(known.gates),
        "evidence": _evidence(context),
        "likelihoods": digest(asked.perplexity) if measured and asked.perplexity else None,
        "problems": asked.problems,
        "items": digest(asked.folder / "items.jsonl"),
        "responses": {name: digest(path) for name, path in asked.responses.items()},
    }


def _work(context: Context) -> None:
    from mentalft.comparison.compare import compare
    from mentalft.show.paper import write_paper

    cfg, run_dir = context.cfg, context.run_dir
    known = _known(context)
    known = known._replace(gates=(*known.gates, *_evidence(context)))
    compare(cfg.eval, _asked(context), cfg.seed, run_dir, known)
    write_paper(run_dir)


def _reads(cfg: Config) -> Iterator[tuple[str, str | None]]:
    yield "eval.trained_on", cfg.eval.trained_on


def _check(cfg: Config) -> None:
    from mentalft.data.read.sources import local_files
    from mentalft.metrics.registry import check_available

    if cfg.eval.trained_on:
        local_files(cfg.eval.trained_on, key="eval.trained_on")
    check_available(cfg.eval)


COMPARE = Stage(
    "compare",
    work=_work,
    needs=("evaluate|answers",),
    writes=(
        "metrics.json", "comparison.md", "comparison.tex", "comparison.csv", "comparison.json", "items.jsonl",
        "items.csv", "scores.jsonl", "methods.md",
    ),
    rewritten=("comparison.md", "comparison.tex"),
    from_run=_from_run,
    reads=_reads,
    check=_check,
)  # fmt: skip
