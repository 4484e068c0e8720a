"""Stage 3: every contender answers the same prompts, those on one base from one loaded model."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from mentalft.config import Config
from mentalft.config.composition import typed_config
from mentalft.config.contenders import SERVER
from mentalft.console import bar, say
from mentalft.data.asking import Questions, questions_about, questions_of
from mentalft.data.batches import reference_rows
from mentalft.data.items import item_of, item_row
from mentalft.data.prompts import PromptBuilder
from mentalft.errors import DataError
from mentalft.files import read_jsonl, sha256_json, write_jsonl
from mentalft.generation import answer_log
from mentalft.generation.answers import given_by, use_files
from mentalft.generation.cache import ResponseCache
from mentalft.generation.contenders import Contender, System, identity, models, systems
from mentalft.generation.decoding import Decoding
from mentalft.generation.engines import Engine, TransformersEngine
from mentalft.generation.memory import in_batches
from mentalft.generation.rows import families
from mentalft.modeling.base import load_tokenizer, stated_end_token_ids
from mentalft.modeling.locate import LocatedModel
from mentalft.modeling.precision import plan_precision
from mentalft.records import Answerer, Asked, Item, Made, Perplexed, Prompt, Response, Splits
from mentalft.runs.files import LIKELIHOODS, MADE, PROBLEMS, JsonFile
from mentalft.runs.manifest import is_demonstration
from mentalft.runs.place import SUPERSEDED
from mentalft.training.processes import Meeting, launch, one_of_many, processes_wanted, rank, world_size
from mentalft.words import Said, contender


class Job(NamedTuple):
    """What every process that answers is given; all of it can be sent."""

    cfg: Config
    contenders: tuple[Contender, ...]
    splits: Splits
    run_dir: Path
    names: tuple[str, ...] | None = None
    """Which contenders are to be asked, None for all; the perplexity of the references is measured for all."""
    stage: str = "evaluate"
    """Whose answers they are."""
    items: tuple[Item, ...] | None = None
    """What is asked; None takes what ``cfg.eval`` names."""

    @property
    def asked(self) -> tuple[Contender, ...]:
        return tuple(c for c in self.contenders if c.system and (self.names is None or c.name in self.names))

    @property
    def measured(self) -> tuple[Contender, ...]:
        """Those whose perplexity is measured: all on the baseline's model, by its tokens."""
        system = next((c.system for c in self.contenders if c.name == self.cfg.eval.baseline), None)
        if not self.cfg.eval.perplexity or system is None or system.engine != "transformers":
            return ()
        return tuple(c for c in self.contenders if c.system == system)

    def tokenizers(self) -> dict[LocatedModel, Any]:
        """Of each model that is loaded here."""
        return {model: load_tokenizer(self.cfg.model, model) for model in models(self.contenders)}

    def questions(self) -> Questions:
        if self.items is None:
            return questions_of(self.cfg, self.tokenizers(), self.splits)
        return questions_about(self.cfg, self.items, self.tokenizers())

    @property
    def folder(self) -> Path:
        return self.run_dir / ("responses" if self.stage == "evaluate" else self.stage)

    @property
    def decoding(self) -> Decoding:
        return Decoding.of(self.cfg)


def evaluate(
    cfg: Config, contenders: tuple[Contender, ...], splits: Splits, run_dir: Path, cache: ResponseCache | None
) -> Asked:
    """Write ``responses/NAME.jsonl`` for each contender, ``responses/items.jsonl`` with what was asked, and
    ``responses/perplexity.jsonl`` with how likely those on the baseline's model find the references.

    Answers already in ``responses/`` for the same prompts are kept, and so are those that an earlier evaluation of this
    run got from the same contender in the same way. Those of an unchanged model come from ``cache`` when an earlier run
    asked it the same; a run that is doing so now is waited for.

    Raises:
        DataError: not one prompt fits; a file of answers cannot be read.
        UserError: memory does not suffice; a server does not answer.
    """
    job = Job(cfg, contenders, splits, run_dir)
    questions = job.questions()
    for note in questions.notes:
        say(note, style="yellow")
    write_jsonl(job.folder / "items.jsonl", (item_row(item) for item in questions.items))
    made = _made(job)
    earlier = _earlier(job, made)
    MADE.save(run_dir, made)
    given = {one.name: one.answers for one in contenders if one.answers}
    if given:
        use_files(questions.items, given, run_dir)
    _answer_with(cache, job, questions, earlier)
    return asked_in(run_dir, cfg.eval.baseline)


def ask_besides(
    stage: str, cfg: Config, contenders: tuple[Contender, ...], items: Sequence[Item], run_dir: Path,
    cache: ResponseCache | None,
) -> list[Item]:  # fmt: skip
    """Have ``contenders`` answer ``items`` in the way of an evaluation, into ``STAGE/NAME.jsonl``, and say in
    ``STAGE/decoding.json`` who they are. What the same one answered before in the same way is kept.

    Returns:
        The items that fit; what does not is said.

    Raises:
        DataError: not one prompt fits.
        UserError: memory does not suffice; a server does not answer.
    """
    cfg = replace(cfg, eval=replace(cfg.eval, perplexity=False))
    nothing = Splits(run_dir, run_dir, run_dir)
    job = Job(cfg, contenders, nothing, run_dir, stage=stage, items=tuple(items))
    questions = job.questions()
    for note in questions.notes:
        say(note, style="yellow")
    made = _made(job)
    earlier = _earlier(job, made)
    made_file(stage).save(run_dir, made)
    _answer_with(cache, job, questions, earlier)
    return questions.items


def made_file(stage: str) -> JsonFile[Made]:
    """Who answered for ``stage``, and how."""
    return replace(MADE, name=f"{stage}/decoding.json", stage=stage)


def _answer_with(
    cache: ResponseCache | None, job: Job, questions: Questions, earlier: Mapping[str, Sequence[Path]]
) -> None:
    with ExitStack() as locks:
        done: dict[str, Callable[[list[Response]], None]] = {}
        for one in [c for c in job.asked if cache and c.is_plain]:
            assert cache is not None  # for the type checker
            made_from, lock = _made_from(job, one, questions), locks.enter_context(ExitStack())
            lock.enter_context(cache.alone(made_from))
            cached = cache.load(made_from, [item.id for item in questions.items])
            if cached is None:
                done[one.name] = partial(cache.store, made_from)
                continue
            lock.close()
            say(Said("evaluate.cached", {"stage": job.stage, "name": contender(one.name), "answers": len(cached)}))
            write_jsonl(job.folder / f"{one.name}.jsonl", map(asdict, cached))
            job = job._replace(names=tuple(c.name for c in job.asked if c != one))
        _answer(job, questions, earlier, done)


def _decoding(job: Job) -> str:
    """How all contenders decode, in words; what a server is asked besides with it."""
    further = job.cfg.eval.openai.extra_body if any(one.system and not one.located for one in job.asked) else None
    return f"{job.decoding}, extra_body={json.dumps(further, ensure_ascii=False)}" if further else str(job.decoding)


def asked_in(run_dir: Path, baseline: str) -> Asked:
    """What an earlier evaluation of ``run_dir`` asked and got.

    Args:
        baseline: the contender that the others are held against.

    Raises:
        DataError: the evaluate stage has not run there, or not with that contender.
    """
    folder = run_dir / "responses"
    made = MADE.load(run_dir)
    for name in ("items", *made.contenders):
        if not (folder / f"{name}.jsonl").is_file():
            raise DataError(f"{folder / name}.jsonl does not exist; add evaluate to stages")
    if baseline not in made.contenders:
        raise DataError(
            f"eval.baseline={baseline} did not answer in {run_dir}; there are {', '.join(made.contenders)}: name one "
            "of them, or add evaluate to stages"
        )
    return Asked(
        [item_of(row) for row in read_jsonl(folder / "items.jsonl")],
        folder,
        baseline,
        {name: folder / f"{name}.jsonl" for name in made.contenders},
        made.decoding,
        LIKELIHOODS.path(run_dir) if LIKELIHOODS.exists(run_dir) else None,
        len(PROBLEMS.load(run_dir)) if PROBLEMS.exists(run_dir) else 0,
        is_demonstration(run_dir),
        made.contenders,
    )


def take_part(shared: dict[str, Any]) -> None:
    """What a process above rank 0 does of an experiment that was launched from outside: answer its share."""
    kinds = tuple[tuple[Contender, ...], Splits, Path, tuple[str, ...] | None, str, tuple[Item, ...] | None]
    given = msgspec.convert(shared["job"], kinds, dec_hook=lambda kind, value: kind(value))
    with one_of_many():
        _share(Job(typed_config(shared["config"]), *given))


def _shared(job: Job) -> dict[str, Any]:
    cfg, *given = job
    told = msgspec.to_builtins(given, enc_hook=lambda path: str(path.absolute()))
    return {"stage": "evaluate", "config": asdict(cfg), "job": told}


def _answerer(cfg: Config, one: Contender) -> Answerer:
    if one.system is None:
        return given_by(Path(str(one.answers)))
    located = one.located
    return Answerer(
        engine=one.system.engine,
        model=located.name if located else str(one.served_as),
        adapter=str(one.adapter) if one.adapter else None,
        base_url=one.system.base_url,
        asked_with=f"tokens of {located.fingerprint()}" if located else "messages",
        identity=sha256_json(identity(cfg, one)),
    )


def _made(job: Job) -> Made:
    return Made({one.name: _answerer(job.cfg, one) for one in job.contenders}, _decoding(job) if job.asked else None)


def _earlier(job: Job, made: Made) -> dict[str, list[Path]]:
    """Contender → files of what the same one answered in the same way before a stage of this run was done again."""
    found: dict[str, list[Path]] = {name: [] for name in made.contenders}
    file = MADE if job.folder.name == "responses" else made_file(job.stage)
    for folder in sorted((job.run_dir / SUPERSEDED).glob(f"{job.stage}-*")):
        try:
            before = file.load(folder)
        except (DataError, OSError):
            continue
        for name, about in made.contenders.items():
            if before.decoding == made.decoding:
                answered = file.path(folder).parent
                found[name] += [answered / f"{n}.jsonl" for n, same in before.contenders.items() if same == about]
    return found


def _answer(
    job: Job,
    questions: Questions,
    earlier: Mapping[str, Sequence[Path]],
    done: Mapping[str, Callable[[list[Response]], None]],
) -> None:
    """All that is missing, by as many processes as are wanted, put together into whole files."""
    ids = [item.id for item in questions.items]

    def is_answer(one: Contender, row: answer_log.Row) -> bool:
        return row.keys() == Response.__dataclass_fields__.keys() and row["prompt_sha256"] == sums[one].get(row["id"])

    def is_measured(row: answer_log.Row) -> bool:
        return row["id"] in ids and set(row.get("nll", ())) == {one.name for one in job.measured}

    sums = {one: {p.id: p.sha256 for p in questions.prompts[one.located]} for one in job.asked}
    for one in job.asked:
        answer_log.so_far(job.folder / f"{one.name}.jsonl", partial(is_answer, one), earlier[one.name])
    if job.measured:
        answer_log.so_far(LIKELIHOODS.path(job.run_dir), is_measured)
    if any(system.engine == SHARED for system, _ in systems(job.contenders)):
        if world_size() > 1:
            meeting = Meeting()
            number = meeting.call(_shared(job))
            with one_of_many():
                _share(job)
            meeting.wait_for_others(number)
        elif (processes := processes_wanted(job.cfg.trainer.num_processes)) > 1:
            say(Said("evaluate.processes", {"stage": job.stage, "processes": processes}))
            launch(_share, processes, (job,), job.run_dir)
        else:
            _share(job, questions)
    for system, contenders in systems(job.asked):
        if system.engine != SHARED:
            _ask(job, questions, system, contenders, 0, 1)
    for one in job.asked:
        rows = answer_log.finish(job.folder / f"{one.name}.jsonl", ids, partial(is_answer, one))
        said = {
            "stage": job.stage,
            "name": contender(one.name),
            "answers": len(rows),
            "tokens": sum(row["tokens"] for row in rows),
        }
        say(Said("evaluate.answered", said))
        if refusals := [row["refusal"] for row in rows if row["refusal"] is not None]:
            values = {
                "stage": job.stage,
                "name": contender(one.name),
                "refused": len(refusals),
                "all": len(rows),
                "words": refusals[0],
            }
            say(Said("evaluate.refused", values), style="yellow")
        if one.name in done:
            done[one.name]([Response(**row) for row in rows])
    if job.measured:
        answer_log.finish(LIKELIHOODS.path(job.run_dir), ids, is_measured)


def _share(job: Job, questions: Questions | None = None) -> None:
    """What one of several processes does: its share of what is missing, into files of its own."""
    questions = questions or job.questions()
    for system, contenders in systems(job.contenders):
        if system.engine == SHARED:
            asked = tuple(one for one in contenders if one in job.asked)
            _ask(job, questions, system, asked, rank(), world_size())


def _ask(
    job: Job, questions: Questions, system: System, contenders: tuple[Contender, ...], place: int, processes: int
) -> None:
    """Ask one system what is missing of ``contenders``, and measure the references where that is its part."""

    def missing(path: Path) -> list[Prompt]:
        found = answer_log.ids_gathered(path)  # what other processes add meanwhile is not looked at
        left = families(p for p in questions.prompts[system.located] if p.id not in found)
        return [prompt for family in left[place::processes] for prompt in family]

    wanted = {one: missing(job.folder / f"{one.name}.jsonl") for one in contenders}
    is_measured = bool(job.measured) and job.measured[0].system == system
    unmeasured = missing(LIKELIHOODS.path(job.run_dir)) if is_measured else []
    if not any(wanted.values()) and not unmeasured:
        return
    engine = ENGINES[system.engine](job, system)
    for one, prompts in wanted.items():
        with bar(Said("evaluate.bar", {"name": contender(one.name)}), len(prompts)) as shown:
            given = _counted(engine.ask(one, prompts), shown.advance)
            answer_log.add(job.folder / f"{one.name}.jsonl", place, map(asdict, given))
    if unmeasured and isinstance(engine, TransformersEngine):
        with bar(Said("evaluate.perplexity_bar"), len(unmeasured)) as shown:
            rows = _measured(job, engine, questions.items, unmeasured)
            answer_log.add(LIKELIHOODS.path(job.run_dir), place, map(asdict, _counted(rows, shown.advance)))


def _counted(rows: Iterator[Any], advance: Callable[[], None]) -> Iterator[Any]:
    for row in rows:
        yield row
        advance()


def _on(job: Job, system: System) -> tuple[LocatedModel, list[Path]]:
    """A system's model, and the adapters on it, each once."""
    if system.located is None:
        raise ValueError(f"eval.engine={system.engine} needs a model")
    adapters = [one.adapter for one in job.contenders if one.system == system and one.adapter]
    return system.located, list(dict.fromkeys(adapters))


def _transformers(job: Job, system: System) -> TransformersEngine:
    return TransformersEngine.load(job.cfg, *_on(job, system), job.decoding)


def _vllm(job: Job, system: System) -> Engine:
    from mentalft.generation.vllm_engine import VllmEngine, model_arguments

    cfg, (located, adapters) = job.cfg, _on(job, system)
    dtype = str(plan_precision(cfg.trainer.precision).base_dtype).removeprefix("torch.")
    tokenizer = load_tokenizer(cfg.model, located)
    arguments = model_arguments(located.folder, adapters, dtype, cfg.data.max_length, job.decoding)
    end_ids = stated_end_token_ids(located, PromptBuilder.of(cfg, tokenizer, located.name))
    return VllmEngine(arguments, adapters, tokenizer, job.decoding, end_ids)


def _openai(job: Job, system: System) -> Engine:
    from mentalft.generation.openai_engine import OpenAIEngine

    return OpenAIEngine(replace(job.cfg.eval.openai, base_url=system.base_url), job.decoding)


ENGINES: dict[str, Callable[[Job, System], Engine]] = {
    "transformers": _transformers, "vllm": _vllm, SERVER: _openai,
}  # fmt: skip
SHARED = "transformers"
"""The engine whose work is shared out among processes."""


def _measured(job: Job, engine: TransformersEngine, items: list[Item], prompts: list[Prompt]) -> Iterator[Perplexed]:
    """How likely each contender finds each item's first reference after the very tokens that they are asked with.

    The turns of one dialogue are the beginnings of its last, so they are measured in one pass over it.
    """
    cfg = job.cfg
    builder = PromptBuilder.of(cfg, engine.tokenizer)
    first = {item.id: item.references[0] for item in items}
    rows = reference_rows(builder, ((p.id, p.messages, first[p.id]) for p in prompts))
    yield from in_batches(
        families(rows, lambda row: row.input_ids.tolist()),
        cfg.trainer.per_device_eval_batch_size,
        lambda batch: list(engine.measure(job.measured, batch)),
        "references",
        "lower data.max_length, or leave perplexity out with eval.perplexity=false",
    )


def _made_from(job: Job, one: Contender, questions: Questions) -> dict[str, Any]:
    """Everything that determines what a contender answers; the template is in the prompts' tokens."""
    prompts = questions.prompts[one.located]
    return {
        **identity(job.cfg, one),
        "prompts": [p.sha256 for p in prompts],
        "ids": [p.id for p in prompts],
        "decoding": str(job.decoding),
    }
