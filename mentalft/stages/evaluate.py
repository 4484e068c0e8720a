"""Stage 3: every contender answers the same prompts; or answers that exist already are laid out as if it had."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mentalft.config import Config
from mentalft.console import say
from mentalft.errors import ConfigError, DataError
from mentalft.files import sha256_folder
from mentalft.modeling.adapter import check_adapter
from mentalft.runs.markers import marker_file
from mentalft.runs.stage import Context, Stage, digest
from mentalft.words import Said


def answers_here(cfg: Config) -> bool:
    """Whether the model is loaded here, and not by a server."""
    return cfg.eval.engine != "openai"


def _adapter(context: Context) -> Path | None:
    """The adapter to evaluate: the one that the config names, or this run's own; None where a server has it."""
    cfg = context.cfg
    if not answers_here(cfg):
        return None
    if cfg.eval.adapter:
        return Path(cfg.eval.adapter).expanduser()
    folder = context.run_dir / "adapter"
    if not (folder / "adapter_config.json").is_file():
        raise DataError(f"{folder} holds no adapter; add train to stages, or name one: eval.adapter=FOLDER")
    return folder


def _from_run(context: Context) -> dict[str, Any]:
    from mentalft.data.items import files_asked
    from mentalft.data.prepare import split_paths

    adapter = _adapter(context)
    return {
        "data": [digest(path) for path in files_asked(context.cfg.eval, split_paths(context.run_dir))],
        "adapter": sha256_folder(adapter, ("adapter_*",)) if adapter else None,
    }


def _inputs(context: Context) -> dict[str, Any]:
    return {"model.fingerprint": context.fingerprint() if answers_here(context.cfg) else None}


def _work(context: Context) -> None:
    from mentalft.data.prepare import splits_in
    from mentalft.generation.cache import ResponseCache
    from mentalft.generation.evaluate import evaluate

    cfg, adapter = context.cfg, _adapter(context)
    if adapter:
        check_adapter(adapter, "adapter")
    model = context.model() if answers_here(cfg) else None
    folder = context.cache()
    cache = ResponseCache(folder) if folder else None
    evaluate(cfg, model, adapter, splits_in(context.run_dir), context.run_dir, cache)


def _reads(cfg: Config) -> Iterator[tuple[str, str | None]]:
    yield "eval.questions", cfg.eval.questions
    yield "eval.adapter", cfg.eval.adapter
    yield "model.name_or_path", cfg.model.name_or_path


def _check(cfg: Config) -> None:
    from mentalft.generation.engines import check_engine

    check_engine(cfg.eval)
    if cfg.eval.questions:
        from mentalft.data.read.questions import read_questions

        read_questions(Path(cfg.eval.questions).expanduser(), "eval.questions", None)
    if cfg.eval.adapter and answers_here(cfg):
        check_adapter(Path(cfg.eval.adapter).expanduser(), "eval.adapter")
    if "train" in cfg.stages and not answers_here(cfg):
        say(Said("run.server_not_tuned", {"model": cfg.eval.openai.tuned_model}), style="yellow")


EVALUATE = Stage(
    "evaluate",
    work=_work,
    needs=("prepare",),
    writes=("responses/*.jsonl", "responses/decoding.json"),
    leaves=("responses/*.jsonl",),
    from_run=_from_run,
    inputs=_inputs,
    reads=_reads,
    loads_model=answers_here,
    check=_check,
)


def _given(cfg: Config) -> Iterator[tuple[str, str | None]]:
    yield "eval.responses.base", cfg.eval.responses.base
    yield "eval.responses.tuned", cfg.eval.responses.tuned
    yield "eval.references", cfg.eval.references


def _lay_out(context: Context) -> None:
    from mentalft.generation.answers import use_answers

    if marker_file(EVALUATE.name).exists(context.run_dir):
        raise ConfigError(
            f"eval.responses: {context.run_dir} holds answers of its own evaluation; leave run_dir out, or give another"
        )
    use_answers(context.cfg.eval, context.run_dir)


def _digests(context: Context) -> dict[str, Any]:
    paths = [Path(path).expanduser() for _, path in _given(context.cfg) if path]
    return {"given": [digest(path) for path in paths]}


ANSWERS = Stage(
    "answers",
    work=_lay_out,
    needs=(),
    writes=("responses/*.jsonl", "responses/decoding.json"),
    inputs=_digests,
    wanted=lambda cfg: bool(cfg.eval.references),
    reads=_given,
)
"""In place of evaluate, where files of answers are given."""
