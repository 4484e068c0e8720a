"""Stage 1: disjoint train, validation and test splits, written as ChatML JSONL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from mentalft.config import Config
from mentalft.errors import ModelError
from mentalft.files import digest_file
from mentalft.records import Dialogue, TokenLengths
from mentalft.runs.stage import Context, Stage

if TYPE_CHECKING:
    from mentalft.data.prompts import PromptBuilder
    from mentalft.data.read.sources import Source


def _sources(context: Context) -> list[Source]:
    from mentalft.data.read.sources import sources_of

    return context.once("sources", lambda: sources_of(context.cfg.data, context.cache_dir))


def _inputs(context: Context) -> dict[str, Any]:
    from mentalft.data.read.sources import local_files

    tests = context.cfg.data.external_tests
    return {
        "files": [source.digest for source in _sources(context)],
        "external_tests": [digest_file(f) for path in tests for f in local_files(path)],
    }


def _work(context: Context) -> None:
    from mentalft.data.read.pool import processes

    cfg, sources = context.cfg, _sources(context)
    with processes(sum(source.size for source in sources), cfg.data.num_proc) as submit:
        from mentalft.data.prepare import prepare  # meanwhile the others start

        cache = context.cache()
        with ThreadPoolExecutor(1) as pool:  # the tokenizer's library is imported while other processes read
            tokens = partial(_tokens, cfg, pool.submit(_prompt_builder, context))
            prepare(cfg.data, sources, context.run_dir, submit, cache, tokens, audit=cfg.stages == ["prepare"])


def _prompt_builder(context: Context) -> PromptBuilder:
    from mentalft.data.prompts import PromptBuilder
    from mentalft.modeling.base import counting_tokenizer
    from mentalft.modeling.locate import locate_model

    model = context.cfg.model
    tokenizer = counting_tokenizer(model, context.located or locate_model(model, weights=False))
    return PromptBuilder.of(context.cfg, tokenizer)


def _tokens(cfg: Config, builder: Future[PromptBuilder], sample: Sequence[Dialogue]) -> TokenLengths:
    """The lengths of ``sample`` in the model's tokens; the reason where the model is not to be had."""
    from mentalft.data.lengths import token_lengths

    try:
        return token_lengths(sample, builder.result(), cfg)
    except ModelError as error:  # a stage that needs the model says so itself
        return TokenLengths(not_counted=str(error))


def _reads(cfg: Config) -> Iterator[tuple[str, str | None]]:
    yield "data.path", cfg.data.path
    for spec in cfg.data.sources:
        yield "data.sources", spec if isinstance(spec, str) else str(spec["path"])
    for path in cfg.data.external_tests:
        yield "data.external_tests", path


def _check(cfg: Config) -> None:
    from mentalft.data.read.sources import check_local

    check_local(cfg.data)


def check_asked(context: Context) -> None:
    """Raise :class:`DataError` where what is to be asked cannot be compared, before training in vain."""
    from mentalft.data.items import check_comparable
    from mentalft.data.prepare import splits_in

    data = context.cfg.data
    check_comparable(context.cfg.eval, splits_in(context.run_dir), data.system_message, data.split_seed)


PREPARE = Stage(
    "prepare",
    work=_work,
    needs=(),
    writes=("data/train.jsonl", "data/validation.jsonl", "data/test.jsonl", "data/rejected.jsonl", "data/report.json"),
    inputs=_inputs,
    reads=_reads,
    check=_check,
)
