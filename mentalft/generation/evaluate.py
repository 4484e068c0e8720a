"""Stage 3: the base model and the tuned model answer the same prompts, from one loaded model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from mentalft import __version__
from mentalft.config import Config
from mentalft.config.composition import typed_config
from mentalft.console import bar, say
from mentalft.data.asking import Questions, questions_of
from mentalft.data.batches import Collator, reference_rows
from mentalft.data.items import item_of, item_row
from mentalft.data.prompts import PromptBuilder
from mentalft.errors import DataError
from mentalft.files import read_json, read_jsonl, write_json, write_jsonl
from mentalft.generation import answer_log
from mentalft.generation.cache import ResponseCache
from mentalft.generation.decoding import Decoding
from mentalft.generation.engines import Engine, Perplexed, TransformersEngine
from mentalft.generation.memory import in_batches
from mentalft.training.processes import Meeting, launch, one_of_many, processes_wanted, rank, world_size
from mentalft.modeling.adapter import load_adapter
from mentalft.modeling.base import end_token_ids, load_base_model, load_tokenizer, stated_end_token_ids
from mentalft.modeling.locate import LocatedModel
from mentalft.modeling.precision import plan_precision
from mentalft.records import SIDES, Asked, Item, Prompt, Response, Splits
from mentalft.runs.settings import is_demonstration


class Job(NamedTuple):
    """What every process that answers is given; all of it can be sent."""

    cfg: Config
    located: LocatedModel | None
    adapter: Path | None
    splits: Splits
    run_dir: Path
    sides: tuple[str, ...] = SIDES
    """Which sides are to be asked; the perplexity of the references is measured for both."""

    def loaded_here(self) -> tuple[Config, LocatedModel, Path]:
        """What an engine that loads the model itself needs."""
        if self.located is None or self.adapter is None:
            raise ValueError(f"eval.engine={self.cfg.eval.engine} needs a model and an adapter")
        return self.cfg, self.located, self.adapter

    @property
    def folder(self) -> Path:
        return self.run_dir / "responses"

    @property
    def decoding(self) -> Decoding:
        e = self.cfg.eval
        return Decoding(e.max_new_tokens, e.do_sample, e.temperature, e.top_p, e.top_k, self.cfg.seed)


def evaluate(
    cfg: Config,
    located: LocatedModel | None,
    adapter: Path | None,
    splits: Splits,
    run_dir: Path,
    cache: ResponseCache | None,
) -> Asked:
    """Write ``responses/base.jsonl`` and ``responses/tuned.jsonl``, ``responses/items.jsonl`` with what was asked, and
    ``responses/perplexity.jsonl`` with how likely either model finds the references.

    Answers already in ``responses/`` for the same prompts are kept. Base answers come from ``cache`` when an earlier
    run asked the same model the same prompts in the same way; a run that is doing so now is waited for.

    Args:
        located, adapter: None where ``eval.engine`` is a server that has the models.

    Raises:
        DataError: not one prompt fits.
        UserError: memory does not suffice; a server does not answer.
    """
    job = Job(cfg, located, adapter, splits, run_dir)
    questions = questions_of(job.cfg, job.located and load_tokenizer(job.cfg.model, job.located), job.splits)
    for note in questions.notes:
        say(f"evaluate: {note}", style="yellow")
    write_jsonl(job.folder / "items.jsonl", (item_row(item) for item in questions.items))
    write_json(job.folder / "decoding.json", {"decoding": str(job.decoding), "engine": cfg.eval.engine})
    if cache is None or cfg.eval.engine == "openai":  # which model a server runs under a name is not known
        _answer(job, questions)
    else:
        made_from = _made_from(job, questions)
        with cache.alone(made_from):
            cached = cache.load(made_from, [p.id for p in questions.prompts])
            if cached is None:
                _answer(job, questions, lambda base: cache.store(made_from, base))
        if cached is not None:
            say(f"evaluate: base: {len(cached)} answers from the cache")
            write_jsonl(job.folder / "base.jsonl", (r.to_json() for r in cached))
            _answer(job._replace(sides=("tuned",)), questions)
    return Asked(questions.items, job.folder, _files(job.folder), str(job.decoding))


def asked_in(run_dir: Path) -> Asked:
    """What an earlier evaluation of ``run_dir`` asked and got.

    Raises:
        DataError: the evaluate stage has not run there.
    """
    folder = run_dir / "responses"
    for name in ("items", *SIDES):
        if not (folder / f"{name}.jsonl").is_file():
            raise DataError(f"{folder / name}.jsonl does not exist; add evaluate to stages")
    items = [item_of(row) for row in read_jsonl(folder / "items.jsonl")]
    perplexity, problems = folder / "perplexity.jsonl", folder / "problems.jsonl"
    made = read_json(folder / "decoding.json")
    return Asked(
        items,
        folder,
        _files(folder),
        str(made["decoding"]),
        perplexity if perplexity.is_file() else None,
        len(list(read_jsonl(problems))) if problems.is_file() else 0,
        "files" in made,
        is_demonstration(run_dir),
    )


def take_part(shared: dict[str, Any]) -> None:
    """What a process above rank 0 does of an experiment that was launched from outside: answer its share."""
    cfg = typed_config(shared["config"])
    folder, name, revision = shared["located"]
    job = Job(
        cfg,
        LocatedModel(Path(folder), name, revision),
        Path(shared["adapter"]),
        Splits(*map(Path, shared["splits"])),
        Path(shared["run_dir"]),
        tuple(shared["sides"]),
    )
    with one_of_many():
        _share(job)


def _shared(job: Job) -> dict[str, Any]:
    cfg, located, adapter = job.loaded_here()
    return {
        "stage": "evaluate",
        "config": asdict(cfg),
        "located": [str(located.folder), located.name, located.revision],
        "adapter": str(adapter.absolute()),
        "splits": [str(path.absolute()) for path in job.splits],
        "run_dir": str(job.run_dir.absolute()),
        "sides": list(job.sides),
    }


def _answer(job: Job, questions: Questions, base_is_done: Callable[[list[Response]], None] = lambda _: None) -> None:
    """All that is missing, by as many processes as are wanted, put together into whole files."""
    ids, sums = [p.id for p in questions.prompts], {p.id: p.sha256 for p in questions.prompts}

    def is_answer(row: answer_log.Row) -> bool:
        return row.keys() == Response.__dataclass_fields__.keys() and sums.get(row["id"]) == row["prompt_sha256"]

    for side in job.sides:
        answer_log.so_far(job.folder / f"{side}.jsonl", is_answer)
    answer_log.so_far(job.folder / "perplexity.jsonl", lambda row: row["id"] in sums)
    can_be_shared = job.cfg.eval.engine == "transformers"
    if can_be_shared and world_size() > 1:
        meeting = Meeting()
        number = meeting.call(_shared(job))
        with one_of_many():
            _share(job)
        meeting.wait_for_others(number)
    elif can_be_shared and (processes := processes_wanted(job.cfg.trainer.num_processes)) > 1:
        say(f"evaluate: {processes} processes")
        launch(_share, processes, (job,), job.run_dir)
    else:
        _share(job, questions)
    for side in job.sides:
        rows = answer_log.finish(job.folder / f"{side}.jsonl", ids, is_answer)
        say(f"evaluate: {side}: {len(rows)} answers, {sum(row['tokens'] for row in rows):,} tokens")
        if side == "base":
            base_is_done([Response(**row) for row in rows])
    if _measures(job.cfg):
        answer_log.finish(job.folder / "perplexity.jsonl", ids, lambda row: row["id"] in sums)


def _share(job: Job, questions: Questions | None = None) -> None:
    """What one of several processes does: its share of what is missing, into files of its own."""
    questions = questions or questions_of(
        job.cfg, job.located and load_tokenizer(job.cfg.model, job.located), job.splits
    )
    place, processes = (rank(), world_size()) if job.cfg.eval.engine == "transformers" else (0, 1)
    ordered = sorted(questions.prompts, key=lambda p: len(p.tokens), reverse=True)
    missing = {
        name: _missing(job.folder / f"{name}.jsonl", ordered)[place::processes] for name in (*job.sides, "perplexity")
    }
    if not any(missing[side] for side in job.sides) and not (_measures(job.cfg) and missing["perplexity"]):
        return
    engine = ENGINES[job.cfg.eval.engine](job)
    for side in job.sides:
        with bar(f"{side} answers", len(missing[side])) as shown:
            given = _counted(engine.ask(side, missing[side]), shown.advance)
            answer_log.add(job.folder / f"{side}.jsonl", place, (r.to_json() for r in given))
    if isinstance(engine, TransformersEngine) and job.cfg.eval.perplexity:
        with bar("perplexity", len(missing["perplexity"])) as shown:
            rows = _measured(job, engine, questions.items, missing["perplexity"])
            answer_log.add(job.folder / "perplexity.jsonl", place, (r._asdict() for r in _counted(rows, shown.advance)))


def _missing(path: Path, prompts: Sequence[Prompt]) -> list[Prompt]:
    """The prompts without a row in what earlier attempts left; what other processes add meanwhile is not looked at."""
    found = answer_log.ids_gathered(path)
    return [p for p in prompts if p.id not in found]


def _counted(rows: Iterator[Any], advance: Callable[[], None]) -> Iterator[Any]:
    for row in rows:
        yield row
        advance()


def _transformers(job: Job) -> TransformersEngine:
    cfg, located, adapter = job.loaded_here()
    tokenizer = load_tokenizer(cfg.model, located)
    model = load_adapter(load_base_model(cfg.model, located, plan_precision(cfg.trainer.precision)), adapter)
    return TransformersEngine(model, tokenizer, job.decoding, end_token_ids(model, tokenizer), cfg.eval.batch_size)


def _vllm(job: Job) -> Engine:
    from mentalft.generation.vllm_engine import VllmEngine, check_vllm, model_arguments

    cfg, located, adapter = job.loaded_here()
    check_vllm(adapter)
    dtype = str(plan_precision(cfg.trainer.precision).base_dtype).removeprefix("torch.")
    tokenizer = load_tokenizer(cfg.model, located)
    arguments = model_arguments(located.folder, adapter, dtype, cfg.data.max_length, job.decoding)
    return VllmEngine(arguments, adapter, tokenizer, job.decoding, stated_end_token_ids(located, tokenizer))


def _openai(job: Job) -> Engine:
    from mentalft.generation.openai_engine import OpenAIEngine

    return OpenAIEngine(job.cfg.eval.openai, job.decoding)


ENGINES: dict[str, Callable[[Job], Engine]] = {"transformers": _transformers, "vllm": _vllm, "openai": _openai}


def _measures(cfg: Config) -> bool:
    return cfg.eval.perplexity and cfg.eval.engine == "transformers"


def _files(folder: Path) -> dict[str, Path]:
    return {side: folder / f"{side}.jsonl" for side in SIDES}


def _measured(job: Job, engine: TransformersEngine, items: list[Item], prompts: list[Prompt]) -> Iterator[Perplexed]:
    """How likely base and tuned find each item's first reference after the very tokens that they are asked with."""
    cfg = job.cfg
    builder = PromptBuilder(engine.tokenizer, cfg.model.chat_template_kwargs, cfg.model.name)
    first = {item.id: item.references[0] for item in items}
    rows = reference_rows(builder, ((p.id, p.messages, first[p.id]) for p in prompts))
    collate = Collator(engine.tokenizer.pad_token_id)
    yield from in_batches(
        rows,
        cfg.trainer.per_device_eval_batch_size,
        lambda batch: list(engine.measure(collate(batch))),
        "references",
        "lower data.max_length, or leave perplexity out with eval.perplexity=false",
    )


def _made_from(job: Job, questions: Questions) -> dict[str, Any]:
    """Everything that determines what the base model answers; the template is in the prompts' tokens."""
    cfg, located, _ = job.loaded_here()
    plan = plan_precision(cfg.trainer.precision)
    packages = ("torch", "transformers", *(("vllm",) if cfg.eval.engine == "vllm" else ()))
    return {
        "weights": located.fingerprint(),
        "prompts": [p.sha256 for p in questions.prompts],
        "ids": [p.id for p in questions.prompts],
        "decoding": str(job.decoding),
        "engine": cfg.eval.engine,
        "batch_size": cfg.eval.batch_size,
        "precision": plan.name,
        "device": plan.device,
        "attention": cfg.model.attn_implementation,
        "quantization": cfg.model.quantization,
        "versions": {"mentalft": __version__, **{name: version(name) for name in packages}},
    }
