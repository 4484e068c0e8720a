"""Stage 3: every contender answers the same prompts; or answers that exist already are laid out as if it had."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mentalft.config import Config
from mentalft.config.contenders import OF_THIS_RUN, SERVER, key_of, specs
from mentalft.console import say
from mentalft.errors import ConfigError
from mentalft.modeling.adapter import check_adapter
from mentalft.runs.markers import marker_file
from mentalft.runs.stage import Context, Stage, digest
from mentalft.words import Said

if TYPE_CHECKING:
    from mentalft.generation.contenders import Contender


def _contenders(context: Context) -> tuple[Contender, ...]:
    from mentalft.generation.contenders import contenders_in

    return contenders_in(context)


def _loads_model(cfg: Config) -> bool:
    from mentalft.generation.contenders import loads_model

    return loads_model(cfg)


def _from_run(context: Context) -> dict[str, Any]:
    from mentalft.data.items import files_asked
    from mentalft.data.prepare import split_paths
    from mentalft.generation.contenders import adapter_digests

    adapters = adapter_digests(_contenders(context))
    data = [digest(path) for path in files_asked(context.cfg.eval, split_paths(context.run_dir))]
    return {"data": data, "adapter": adapters, "contenders": [one.name for one in _contenders(context)]}


def _inputs(context: Context) -> dict[str, Any]:
    from mentalft.generation.contenders import models

    contenders = _contenders(context)
    return {
        "model.fingerprint": {model.name: context.fingerprint(model) for model in models(contenders)},
        "given": {one.name: digest(one.answers) for one in contenders if one.answers},
    }


def _work(context: Context) -> None:
    from mentalft.data.prepare import splits_in
    from mentalft.generation.cache import ResponseCache
    from mentalft.generation.evaluate import evaluate

    folder = context.cache()
    cache = ResponseCache(folder) if folder else None
    evaluate(context.cfg, _contenders(context), splits_in(context.run_dir), context.run_dir, cache)


def _reads(cfg: Config) -> Iterator[tuple[str, str | None]]:
    yield "eval.questions", cfg.eval.questions
    yield "model.name_or_path", cfg.model.name_or_path
    for name, spec in specs(cfg).items():
        for field in ("adapter", "name_or_path", "answers"):
            if getattr(spec, field) != OF_THIS_RUN:
                yield key_of(name, field), getattr(spec, field)


def _check(cfg: Config) -> None:
    from mentalft.generation.contenders import locate_other
    from mentalft.generation.engines import check_engines

    asked = {name: spec for name, spec in specs(cfg).items() if not spec.answers}
    check_engines(cfg.eval, {spec.engine for spec in asked.values()})
    if cfg.eval.questions:
        from mentalft.data.read.questions import read_questions

        read_questions(Path(cfg.eval.questions).expanduser(), "eval.questions", None)
    for name, spec in asked.items():
        if spec.is_local and spec.name_or_path:
            locate_other(cfg, name, spec)
        if spec.is_local and spec.adapter and spec.adapter != OF_THIS_RUN:
            check_adapter(Path(spec.adapter).expanduser(), key_of(name, "adapter"))
    own = [spec for spec in asked.values() if spec.adapter == OF_THIS_RUN]
    if "train" in cfg.stages and own and all(spec.engine == SERVER for spec in own):
        say(Said("run.server_not_tuned", {"model": str(own[0].model)}), style="yellow")


EVALUATE = Stage(
    "evaluate",
    work=_work,
    needs=("prepare",),
    writes=("responses/*.jsonl", "responses/decoding.json"),
    leaves=("responses/*.jsonl",),
    from_run=_from_run,
    inputs=_inputs,
    reads=_reads,
    loads_model=_loads_model,
    check=_check,
)


def _files(cfg: Config) -> dict[str, Path]:
    """Contender → the file of its answers."""
    given = {name: spec.answers for name, spec in cfg.eval.contenders.items()}
    return {name: Path(path).expanduser() for name, path in given.items() if path}


def _given(cfg: Config) -> Iterator[tuple[str, str | None]]:
    for name, spec in cfg.eval.contenders.items():
        yield key_of(name, "answers"), spec.answers
    yield "eval.references", cfg.eval.references


def _lay_out(context: Context) -> None:
    from mentalft.generation.answers import use_answers

    if marker_file(EVALUATE.name).exists(context.run_dir):
        raise ConfigError(
            f"eval.responses: {context.run_dir} holds answers of its own evaluation; leave run_dir out, or give another"
        )
    cfg = context.cfg
    use_answers(Path(str(cfg.eval.references)).expanduser(), _files(cfg), context.run_dir)


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
