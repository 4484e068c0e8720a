"""Beside the metrics: a judge model compares the contenders' answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mentalft.config import Config
from mentalft.runs.files import MADE
from mentalft.runs.stage import Context, Stage, digest


def _from_run(context: Context) -> dict[str, Any]:
    from mentalft.judging.people import people_file

    run_dir, folder = context.run_dir, context.run_dir / "responses"
    people = people_file(context.cfg.judge.human, run_dir)
    return {
        "items": digest(folder / "items.jsonl"),
        "responses": {name: digest(folder / f"{name}.jsonl") for name in MADE.load(run_dir).contenders},
        "people": digest(people) if people else None,
    }


def _inputs(context: Context) -> dict[str, Any]:
    from mentalft.judging.rubric import rubric_file

    return {"rubric": digest(rubric_file(context.cfg.judge.rubric, "judge.rubric"))}


def _work(context: Context) -> None:
    from mentalft.judging.judge import judge

    judge(context.cfg, context.run_dir)


def _reads(cfg: Config) -> Iterator[tuple[str, str | None]]:
    from mentalft.judging.rubric import embedded

    yield "judge.human", cfg.judge.human
    yield "judge.rubric", None if cfg.judge.rubric in embedded() else cfg.judge.rubric


def _check(cfg: Config) -> None:
    from mentalft.errors import ConfigError
    from mentalft.generation.openai_engine import check_openai
    from mentalft.judging.rubric import load_rubric

    check_openai(cfg.judge, "judge")
    load_rubric(cfg.judge.rubric, "judge.rubric")
    if cfg.judge.human and not Path(cfg.judge.human).expanduser().is_file():
        raise ConfigError(f"judge.human={cfg.judge.human} does not exist; give a JSONL file of what people chose")


JUDGE = Stage(
    "judge",
    work=_work,
    needs=("evaluate|answers",),
    writes=("judge.json", "judge/verdicts.jsonl"),
    leaves=("judge/verdicts*.jsonl",),
    from_run=_from_run,
    inputs=_inputs,
    reads=_reads,
    check=_check,
    leads=False,
)
