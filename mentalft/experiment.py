"""The experiment, from top to bottom: prepare → train → evaluate base and tuned → compare.

Each stage imports what it needs when it runs, so that a wrong path or value is answered at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mentalft.runs.markers import StageRunner
from mentalft.config import ASKING, VALIDATION_LOSS, Config
from mentalft.console import quiet_libraries, set_language
from mentalft.errors import DataError, ModelError
from mentalft.files import default_cache_dir, digest_file, read_json, sha256_folder
from mentalft.runs.groups import used_by
from mentalft.inputs import asks_here, check_inputs
from mentalft.outcome import Result, show
from mentalft.records import Dialogue
from mentalft.data.report import overlap_in_words
from mentalft.runs.manifest import record_of, write_manifest
from mentalft.show.model_card import write_card
from mentalft.runs.settings import write_settings
from mentalft.tracking import Tracker
from mentalft.training.processes import sigterm_raised

if TYPE_CHECKING:
    from mentalft.metrics.table import Metric, Parts

NOT_OF_THE_OBJECTIVE = (
    "items", "questions", "engine", "openai", "perplexity", "metrics", "extra_metrics", "bounds", "bootstrap_resamples",
    "confidence", "during_training", "adapter", "responses", "references",
)  # fmt: skip
"""The keys of ``eval`` that have no part in ``eval.objective``."""

NOT_LEARNT_FROM = ("num_processes", "preflight", "preview", "auto_find_batch_size")
"""The keys of ``trainer`` that change how training is done, not what it ends with."""


def run_experiment(
    cfg: Config, run_dir: Path, tracker: Tracker, *, choices: dict[str, str], overrides: Sequence[str] = ()
) -> Result:
    """Run the stages that ``cfg.stages`` names; one that is complete for the same inputs is not run again.

    Args:
        choices: what was taken from each group of ``conf/``; those that no stage uses are not recorded.
        overrides: the command's own, likewise.

    Raises:
        UserError: data, model, precision or embedder cannot be used; found out before anything is written.
    """
    located = check_inputs(cfg)
    choices = used_by(cfg.stages, choices)
    model = _model_record(cfg, located)
    record = partial(record_of, cfg, overrides, choices, model)
    keep_record = partial(_keep_record, run_dir, record)
    keep_record()
    tracker.start(_shareable(cfg, tracker), choices)
    runner = StageRunner(run_dir, record, keep_record)
    steps = {"prepare": _prepare, "preflight": _preflight, "train": _train, "evaluate": _evaluate, "compare": _compare}
    for stage, step in steps.items():
        if stage in cfg.stages:
            step(cfg, runner, located, tracker)
        if stage == "prepare" and {"evaluate", "compare"} <= set(cfg.stages):
            _check_comparable(cfg, run_dir)
        if stage == "train" and stage in cfg.stages and cfg.eval.objective != VALIDATION_LOSS:
            _measure_objective(cfg, runner, located)
    if "compare" in cfg.stages:
        _report(cfg, run_dir)
    return show(cfg, run_dir, tracker)


def run_tracked(
    cfg: Config,
    run_dir: Path,
    choices: dict[str, str],
    overrides: Sequence[str],
    *,
    group: str | None = None,
    name: str | None = None,
) -> float | None:
    """Run the experiment and return its objective; the tracker's run is closed however it ends.

    Args:
        choices: the option taken from each group of ``conf/``.
        overrides: the command's own.
        group, name: of the tracker's run, where this is a trial of a sweep.
    """
    quiet_libraries()
    set_language(cfg.report.language)
    tracker = Tracker(cfg.tracking, run_dir, group=group, name=name)
    try:
        with sigterm_raised():
            result = run_experiment(cfg, run_dir, tracker, choices=choices, overrides=overrides)
    except BaseException as error:
        tracker.finish(error)
        raise
    tracker.finish()
    return result.objective


def _keep_record(run_dir: Path, record: Callable[[], dict[str, Any]]) -> None:
    """What the run directory says of itself, put together anew from what its completed stages recorded."""
    now = record()
    write_settings(run_dir, now["config"])
    write_manifest(run_dir, now)
    write_card(run_dir)


def _prepare(cfg: Config, runner: StageRunner, located: Any, tracker: Tracker) -> None:  # noqa: ARG001
    from mentalft.data.pool import processes
    from mentalft.data.sources import local_files, sources_of

    cache_dir = _cache_dir(cfg)
    sources = sources_of(cfg.data, cache_dir)
    cache = cache_dir if cfg.cache else None
    audit = cfg.stages == ["prepare"]
    with processes(sum(source.size for source in sources), cfg.data.num_proc) as submit:
        from mentalft.data.prepare import prepare  # meanwhile the others start

        made_from = {
            "data": _without(asdict(cfg.data), "max_length", "num_proc"),
            "files": [source.digest for source in sources],
            "external_tests": [digest_file(f) for path in cfg.data.external_tests for f in local_files(path)],
        }

        def run() -> None:
            with ThreadPoolExecutor(1) as pool:  # the tokenizer's library is imported while other processes read
                builder = pool.submit(_prompt_builder, cfg, located)
                tokens = partial(_tokens, cfg, builder)
                prepare(cfg.data, sources, runner.run_dir, submit, cache, tokens, audit=audit)

        runner.run("prepare", made_from, run, outputs=["data/*"])


def _check_comparable(cfg: Config, run_dir: Path) -> None:
    """Before training, which would be in vain."""
    from mentalft.data.items import check_comparable
    from mentalft.data.prepare import splits_in

    check_comparable(cfg.eval, splits_in(run_dir), cfg.data.system_message, cfg.data.split_seed)


def _prompt_builder(cfg: Config, located: Any) -> Any:
    from mentalft.data.prompts import PromptBuilder
    from mentalft.modeling.base import counting_tokenizer
    from mentalft.modeling.locate import locate_model

    tokenizer = counting_tokenizer(cfg.model, located or locate_model(cfg.model, weights=False))
    return PromptBuilder(tokenizer, cfg.model.chat_template_kwargs, cfg.model.name)


def _tokens(cfg: Config, builder: Future[Any], sample: Sequence[Dialogue]) -> dict[str, Any]:
    """The lengths of ``sample`` in the model's tokens; the reason where the model is not to be had."""
    from mentalft.data.lengths import token_lengths

    try:
        return token_lengths(sample, builder.result(), cfg.data.max_length)
    except ModelError as error:  # a stage that needs the model says so itself
        return {"not_counted": str(error)}


def _cache_dir(cfg: Config) -> Path:
    return Path(cfg.cache_dir).expanduser() if cfg.cache_dir else default_cache_dir()


def _train(cfg: Config, runner: StageRunner, located: Any, tracker: Tracker) -> None:
    from mentalft.data.prepare import splits_in
    from mentalft.training.train import train

    splits = splits_in(runner.run_dir)
    made_from = {
        **_model_and_data(cfg, located, splits.train, splits.validation),
        "lora": asdict(cfg.lora),
        "trainer": _without(asdict(cfg.trainer), *NOT_LEARNT_FROM),
        "seed": cfg.seed,
    }
    runner.run(
        "train",
        made_from,
        lambda: train(cfg, located, splits, runner.run_dir, tracker.log),
        outputs=["adapter/*", "training.json", "training.jsonl"],
        leftovers=["checkpoints"],
    )


def _measure_objective(cfg: Config, runner: StageRunner, located: Any) -> None:
    from mentalft.generation.objective import measure
    from mentalft.data.prepare import splits_in

    validation, adapter = splits_in(runner.run_dir).validation, runner.run_dir / "adapter"
    made_from = {
        **_model_and_data(cfg, located, validation),
        "adapter": sha256_folder(adapter, ("adapter_*",)),
        "eval": _without(asdict(cfg.eval), *NOT_OF_THE_OBJECTIVE),
        "trainer.precision": cfg.trainer.precision,
        "seed": cfg.seed if cfg.eval.do_sample else None,
    }
    runner.run(
        "objective",
        made_from,
        lambda: measure(cfg, located, adapter, validation, runner.run_dir),
        outputs=["objective.*"],
    )


def _preflight(cfg: Config, runner: StageRunner, located: Any, tracker: Tracker) -> None:  # noqa: ARG001
    from mentalft.data.prepare import splits_in
    from mentalft.training.train import check

    check(cfg, located, splits_in(runner.run_dir), runner.run_dir)


def _evaluate(cfg: Config, runner: StageRunner, located: Any, tracker: Tracker) -> None:  # noqa: ARG001
    from mentalft.data.items import files_asked
    from mentalft.generation.cache import ResponseCache
    from mentalft.generation.evaluate import evaluate
    from mentalft.data.prepare import splits_in

    splits = splits_in(runner.run_dir)
    model, adapter = (located, _adapter(cfg, runner.run_dir)) if asks_here(cfg) else (None, None)
    made_from = {
        **_model_and_data(cfg, model, *files_asked(cfg.eval, splits)),
        "data.system_message": cfg.data.system_message,
        "adapter": sha256_folder(adapter, ("adapter_*",)) if adapter else None,
        "eval": {key: value for key, value in asdict(cfg.eval).items() if key in ASKING},
        "trainer.precision": cfg.trainer.precision,
        "seed": cfg.seed if cfg.eval.do_sample else None,
    }
    cache = ResponseCache(_cache_dir(cfg)) if cfg.cache else None
    runner.run(
        "evaluate",
        made_from,
        lambda: evaluate(cfg, model, adapter, splits, runner.run_dir, cache),
        outputs=["responses/*.jsonl"],
        leftovers=["responses"],
    )


def _compare(cfg: Config, runner: StageRunner, located: Any, tracker: Tracker) -> None:  # noqa: ARG001
    from mentalft.generation.answers import use_answers
    from mentalft.comparison.compare import compare
    from mentalft.generation.evaluate import asked_in

    if cfg.eval.references:
        use_answers(cfg.eval, runner.run_dir)
    asked = asked_in(runner.run_dir)
    overlap = _overlap(runner.run_dir)
    made_from = {
        "overlap": overlap,
        "perplexity": digest_file(asked.perplexity) if cfg.eval.perplexity and asked.perplexity else None,
        "problems": asked.problems,
        "items": digest_file(asked.folder / "items.jsonl"),
        "responses": [digest_file(path) for path in asked.responses.values()],
        "eval": _without(asdict(cfg.eval), *ASKING),
        "seed": cfg.seed,
    }
    runner.run(
        "compare",
        made_from,
        lambda: compare(cfg.eval, asked, cfg.seed, runner.run_dir, overlap),
        outputs=["metrics.json", "comparison.*", "items.jsonl", "scores.jsonl"],
    )


def _report(cfg: Config, run_dir: Path) -> None:
    from mentalft.show.writing import report

    report(cfg.report, run_dir)


def score_again(cfg: Config, run_dir: Path, folder: Path, taken: Mapping[str, tuple[Metric, dict[str, Parts]]]) -> None:
    """Write what the compare stage makes of the answers in ``run_dir`` into ``folder``; ``run_dir`` is only read."""
    from mentalft.comparison.compare import compare
    from mentalft.generation.evaluate import asked_in

    compare(cfg.eval, asked_in(run_dir), cfg.seed, folder, _overlap(run_dir), taken)


def _overlap(run_dir: Path) -> str | None:
    """What is known of how much of what was asked was trained on."""
    report = run_dir / "data" / "report.json"
    return overlap_in_words(read_json(report)) if report.is_file() else None


def _shareable(cfg: Config, tracker: Tracker) -> dict[str, Any]:
    """What the run uses of its configuration, for the tracker; a system message is text of the data, and stays here."""
    shared = asdict(cfg)
    if not tracker.log_text and cfg.data.system_message is not None:
        shared["data"]["system_message"] = f"({len(cfg.data.system_message)} characters)"
    return used_by(cfg.stages, shared)


def _model_and_data(cfg: Config, located: Any, *files: Path) -> dict[str, Any]:
    return {
        "data": [digest_file(path) for path in files],
        "data.max_length": cfg.data.max_length,
        "model": {**asdict(cfg.model), "fingerprint": located.fingerprint()} if located else None,
    }


def _adapter(cfg: Config, run_dir: Path) -> Path:
    """The adapter to evaluate: the one that the config names, or this run's own."""
    if cfg.eval.adapter:
        return Path(cfg.eval.adapter).expanduser()
    folder = run_dir / "adapter"
    if not (folder / "adapter_config.json").is_file():
        raise DataError(f"{folder} holds no adapter; add train to stages, or name one: eval.adapter=FOLDER")
    return folder


def _model_record(cfg: Config, located: Any) -> dict[str, str | None] | None:
    if located is None:
        return None
    return {
        "name": located.name,
        "revision": located.revision,
        "fingerprint": located.fingerprint(),
        "hub": cfg.model.hub,
    }


def _without(values: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in keys}
