"""Stage 3: every contender answers the same prompts, those on one base from one loaded model."""

from __future__ import annotations

import json
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
from mentalft.files import read_jsonl, write_jsonl
from mentalft.generation import answer_log
from mentalft.generation.cache import ResponseCache
from mentalft.generation.contenders import BASELINE, Contender, contenders_of
from mentalft.generation.decoding import Decoding
from mentalft.generation.engines import Engine, TransformersEngine
from mentalft.generation.memory import in_batches
from mentalft.modeling.adapter import load_adapter
from mentalft.modeling.base import end_token_ids, load_base_model, load_tokenizer, stated_end_token_ids
from mentalft.modeling.locate import LocatedModel
from mentalft.modeling.precision import plan_precision
from mentalft.records import Asked, Item, Made, Perplexed, Prompt, Response, Splits
from mentalft.runs.files import LIKELIHOODS, MADE, PROBLEMS, responses
from mentalft.runs.manifest import is_demonstration
from mentalft.training.processes import Meeting, launch, one_of_many, processes_wanted, rank, world_size
from mentalft.words import Said, contender

PERPLEXITY = "perplexity"


class Job(NamedTuple):
    """What every process that answers is given; all of it can be sent."""

    cfg: Config
    located: LocatedModel | None
    adapter: Path | None
    splits: Splits
    run_dir: Path
    names: tuple[str, ...] | None = None
    """Which contenders are to be asked, None for all; the perplexity of the references is measured for all."""

    @property
    def contenders(self) -> tuple[Contender, ...]:
        return contenders_of(self.cfg.eval, self.adapter)

    @property
    def asked(self) -> tuple[Contender, ...]:
        return tuple(c for c in self.contenders if self.names is None or c.name in self.names)

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
    """Write ``responses/NAME.jsonl`` for each contender, ``responses/items.jsonl`` with what was asked, and
    ``responses/perplexity.jsonl`` with how likely each finds the references.

    Answers already in ``responses/`` for the same prompts are kept. The baseline's come from ``cache`` when an earlier
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
        say(note, style="yellow")
    write_jsonl(job.folder / "items.jsonl", (item_row(item) for item in questions.items))
    names = [contender.name for contender in job.contenders]
    further = cfg.eval.openai.extra_body if cfg.eval.engine == "openai" else None
    decoding = f"{job.decoding}, extra_body={json.dumps(further, ensure_ascii=False)}" if further else str(job.decoding)
    MADE.save(run_dir, Made(BASELINE, names, decoding, cfg.eval.engine))
    if cache is None or cfg.eval.engine == "openai":  # which model a server runs under a name is not known
        _answer(job, questions)
    else:
        made_from = _made_from(job, questions)
        with cache.alone(made_from):
            cached = cache.load(made_from, [p.id for p in questions.prompts])
            if cached is None:
                _answer(job, questions, lambda answers: cache.store(made_from, answers))
        if cached is not None:
            say(Said("evaluate.cached", {"name": contender(BASELINE), "answers": len(cached)}))
            responses(BASELINE).save(run_dir, cached)
            _answer(job._replace(names=tuple(name for name in names if name != BASELINE)), questions)
    return asked_in(run_dir)


def asked_in(run_dir: Path) -> Asked:
    """What an earlier evaluation of ``run_dir`` asked and got.

    Raises:
        DataError: the evaluate stage has not run there.
    """
    folder = run_dir / "responses"
    made = MADE.load(run_dir)
    for name in ("items", *made.contenders):
        if not (folder / f"{name}.jsonl").is_file():
            raise DataError(f"{folder / name}.jsonl does not exist; add evaluate to stages")
    return Asked(
        [item_of(row) for row in read_jsonl(folder / "items.jsonl")],
        folder,
        made.baseline,
        {name: folder / f"{name}.jsonl" for name in made.contenders},
        made.decoding,
        LIKELIHOODS.path(run_dir) if LIKELIHOODS.exists(run_dir) else None,
        len(PROBLEMS.load(run_dir)) if PROBLEMS.exists(run_dir) else 0,
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
        shared["names"] and tuple(shared["names"]),
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
        "names": job.names and list(job.names),
    }


def _answer(
    job: Job, questions: Questions, baseline_is_done: Callable[[list[Response]], None] = lambda _: None
) -> None:
    """All that is missing, by as many processes as are wanted, put together into whole files."""
    ids, sums = [p.id for p in questions.prompts], {p.id: p.sha256 for p in questions.prompts}

    def is_answer(row: answer_log.Row) -> bool:
        return row.keys() == Response.__dataclass_fields__.keys() and sums.get(row["id"]) == row["prompt_sha256"]

    def is_measured(row: answer_log.Row) -> bool:
        return row["id"] in sums and set(row.get("nll", ())) == {one.name for one in job.contenders}

    for one in job.asked:
        answer_log.so_far(job.folder / f"{one.name}.jsonl", is_answer)
    answer_log.so_far(LIKELIHOODS.path(job.run_dir), is_measured)
    can_be_shared = job.cfg.eval.engine == "transformers"
    if can_be_shared and world_size() > 1:
        meeting = Meeting()
        number = meeting.call(_shared(job))
        with one_of_many():
            _share(job)
        meeting.wait_for_others(number)
    elif can_be_shared and (processes := processes_wanted(job.cfg.trainer.num_processes)) > 1:
        say(Said("evaluate.processes", {"processes": processes}))
        launch(_share, processes, (job,), job.run_dir)
    else:
        _share(job, questions)
    for one in job.asked:
        rows = answer_log.finish(job.folder / f"{one.name}.jsonl", ids, is_answer)
        said = {"name": contender(one.name), "answers": len(rows), "tokens": sum(row["tokens"] for row in rows)}
        say(Said("evaluate.answered", said))
        if refusals := [row["refusal"] for row in rows if row["refusal"] is not None]:
            values = {"name": contender(one.name), "refused": len(refusals), "all": len(rows), "words": refusals[0]}
            say(Said("evaluate.refused", values), style="yellow")
        if one.name == BASELINE:
            baseline_is_done([Response(**row) for row in rows])
    if _measures(job.cfg):
        answer_log.finish(LIKELIHOODS.path(job.run_dir), ids, is_measured)


def _share(job: Job, questions: Questions | None = None) -> None:
    """What one of several processes does: its share of what is missing, into files of its own."""
    questions = questions or questions_of(
        job.cfg, job.located and load_tokenizer(job.cfg.model, job.located), job.splits
    )
    place, processes = (rank(), world_size()) if job.cfg.eval.engine == "transformers" else (0, 1)
    ordered = sorted(questions.prompts, key=lambda p: len(p.tokens), reverse=True)
    missing = {
        name: _missing(job.folder / f"{name}.jsonl", ordered)[place::processes]
        for name in (*(one.name for one in job.asked), PERPLEXITY)
    }
    if not any(missing[one.name] for one in job.asked) and not (_measures(job.cfg) and missing[PERPLEXITY]):
        return
    engine = ENGINES[job.cfg.eval.engine](job)
    for one in job.asked:
        wanted = missing[one.name]
        with bar(Said("evaluate.bar", {"name": contender(one.name)}), len(wanted)) as shown:
            given = _counted(engine.ask(one, wanted), shown.advance)
            answer_log.add(job.folder / f"{one.name}.jsonl", place, map(asdict, given))
    if isinstance(engine, TransformersEngine) and job.cfg.eval.perplexity:
        with bar(Said("evaluate.perplexity_bar"), len(missing[PERPLEXITY])) as shown:
            rows = _measured(job, engine, questions.items, missing[PERPLEXITY])
            answer_log.add(LIKELIHOODS.path(job.run_dir), place, map(asdict, _counted(rows, shown.advance)))


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
    end_ids = end_token_ids(model, PromptBuilder.of(cfg, tokenizer))
    return TransformersEngine(model, tokenizer, job.decoding, end_ids, cfg.eval.batch_size)


def _vllm(job: Job) -> Engine:
    from mentalft.generation.vllm_engine import VllmEngine, check_vllm, model_arguments

    cfg, located, adapter = job.loaded_here()
    check_vllm(adapter)
    dtype = str(plan_precision(cfg.trainer.precision).base_dtype).removeprefix("torch.")
    tokenizer = load_tokenizer(cfg.model, located)
    arguments = model_arguments(located.folder, adapter, dtype, cfg.data.max_length, job.decoding)
    end_ids = stated_end_token_ids(located, PromptBuilder.of(cfg, tokenizer))
    return VllmEngine(arguments, adapter, tokenizer, job.decoding, end_ids)


def _openai(job: Job) -> Engine:
    from mentalft.generation.openai_engine import OpenAIEngine

    return OpenAIEngine(job.cfg.eval.openai, job.decoding)


ENGINES: dict[str, Callable[[Job], Engine]] = {"transformers": _transformers, "vllm": _vllm, "openai": _openai}


def _measures(cfg: Config) -> bool:
    return cfg.eval.perplexity and cfg.eval.engine == "transformers"


def _measured(job: Job, engine: TransformersEngine, items: list[Item], prompts: list[Prompt]) -> Iterator[Perplexed]:
    """How likely each contender finds each item's first reference after the very tokens that they are asked with."""
    cfg = job.cfg
    builder = PromptBuilder.of(cfg, engine.tokenizer)
    first = {item.id: item.references[0] for item in items}
    rows = reference_rows(builder, ((p.id, p.messages, first[p.id]) for p in prompts))
    collate = Collator(engine.tokenizer.pad_token_id)
    yield from in_batches(
        rows,
        cfg.trainer.per_device_eval_batch_size,
        lambda batch: list(engine.measure(job.contenders, collate(batch))),
        "references",
        "lower data.max_length, or leave perplexity out with eval.perplexity=false",
    )


def _made_from(job: Job, questions: Questions) -> dict[str, Any]:
    """Everything that determines what the baseline answers; the template is in the prompts' tokens."""
    cfg, located, _ = job.loaded_here()
    plan = plan_precision(cfg.trainer.precision)
    packages = ("torch", "transformers", *(("vllm",) if cfg.eval.engine == "vllm" else ()))
    return {
        "weights": located.fingerprint(),
        "prompts": [p.sha256 for p in questions.prompts],
        "ids": [p.id for p in questions.prompts],
        "decoding": str(job.decoding),
        "engine": cfg.eval.engine,
        "precision": plan.name,
        "device": plan.device,
        "attention": cfg.model.attn_implementation,
        "quantization": cfg.model.quantization,
        "versions": {"mentalft": __version__, **{name: version(name) for name in packages}},
    }
