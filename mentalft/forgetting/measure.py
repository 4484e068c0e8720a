"""The forgetting stage: the probe put to every contender that is loaded here, and to adapters at several strengths."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from mentalft.config import Config
from mentalft.console import progress, say
from mentalft.data.asking import Fitting, as_prompts, fit
from mentalft.data.batches import Collator, Row, encode, reference_rows
from mentalft.data.prompts import IGNORED_LABEL, PromptBuilder, with_system
from mentalft.errors import DataError, ModelError
from mentalft.files import read_jsonl, sha256_json
from mentalft.forgetting.forms import is_right
from mentalft.forgetting.probe import CHOICE, LETTERS, probe_of
from mentalft.forgetting.records import FORGETTING, PROBE_ITEMS, Diverged, Forgetting, Probed, ProbeItem, at_scale
from mentalft.forgetting.results import Found, result_of
from mentalft.generation import answer_log
from mentalft.generation.contenders import Contender, identity, models
from mentalft.generation.decoding import Decoding
from mentalft.generation.engines import TransformersEngine
from mentalft.generation.likelihood import likelihoods, scored, sums_of_rows
from mentalft.generation.memory import in_batches
from mentalft.modeling.base import load_tokenizer
from mentalft.modeling.locate import LocatedModel
from mentalft.modeling.scaling import adapter_at
from mentalft.records import Dialogue, Item, Message, Perplexed
from mentalft.words import Said, contender

T = TypeVar("T", Probed, Diverged, Perplexed)
FOLDER = "forgetting"
LESS = "lower data.max_length"


class Subject(NamedTuple):
    """Who is asked: a contender, one with an adapter perhaps at a part of its strength."""

    contender: Contender
    scale: float = 1.0

    @property
    def name(self) -> str:
        return at_scale(self.contender.name, self.scale)


def measure(cfg: Config, contenders: tuple[Contender, ...], validation: Path, run_dir: Path) -> Forgetting:
    """Write ``forgetting.json``, and below ``forgetting/`` what was asked and what everyone made of it.

    What an unfinished attempt left is kept. transformers answers, whatever ``cfg.eval.engine`` is.

    Raises:
        DataError: ``cfg.forgetting.path`` cannot be read, or no item fits in ``data.max_length``.
        ModelError: a tokenizer has no tokens to tell the letters of options by.
        UserError: memory does not suffice.
    """
    base = next(one for one in contenders if one.name == cfg.eval.baseline)
    asked = [one for one in contenders if one.located]
    tokenizers = {model: load_tokenizer(cfg.model, model) for model in models(asked)}
    builders = {model: PromptBuilder.of(cfg, tokenizer, model.name) for model, tokenizer in tokenizers.items()}
    probe = probe_of(cfg.forgetting)
    by_id = {item.id: item for item in probe.items}
    fitting = fit([_asked(item, cfg) for item in probe.items], list(builders.values()), cfg.data.max_length)
    items = [by_id[one.item.id] for one in fitting]
    if not items:
        raise DataError(f"forgetting: no item fits in data.max_length={cfg.data.max_length} tokens; raise it")
    left_out = len(probe.items) - len(items)
    too_long = [Said("evaluate.too_long", {"left": left_out, "all": len(probe.items)})] if left_out else []
    for note in (*probe.notes, *too_long):
        say(note, style="yellow")
    PROBE_ITEMS.save(run_dir, items)
    answers: dict[str, list[Probed]] = {}
    divergences: list[Diverged] = []
    losses: list[Perplexed] = []
    for located, builder in builders.items():
        model = _Loaded(cfg, located, builder, [one for one in asked if one.located == located], run_dir)
        adapted = [Subject(c) for c in model.contenders if c.adapter and base.is_plain and located == base.located]
        within = [one._replace(scale=s) for one in adapted for s in sorted({*cfg.forgetting.scales}) if 0 < s < 1]
        for subject in [*map(Subject, model.contenders), *within]:
            answers[subject.name] = model.answers(subject, items, fitting)
        if adapted:
            subjects = [*adapted, *within]
            replies = zip(items, answers[base.name], strict=True)
            texts = {r.id: r.answer for item, r in replies if item.form != CHOICE and r.answer.strip()}
            divergences = model.divergences(Subject(base), subjects, fitting, texts)
            losses = model.losses([Subject(base), *subjects], validation)
    found = result_of(
        cfg,
        Found(items, answers, divergences, losses),
        contenders=[one.name for one in asked],
        not_asked=[one.name for one in contenders if not one.located],
        identities={one.name: sha256_json(identity(cfg, one)) for one in asked},
    )
    FORGETTING.save(run_dir, found)
    counts = {"items": len(items), "answers": sum(map(len, answers.values())), "texts": len(divergences)}
    say(Said("forgetting.done", counts))
    return found


def _asked(item: ProbeItem, cfg: Config) -> Item:
    messages = with_system([Message("user", item.prompt)], cfg.data.system_message)
    return Item(item.id, item.id, item.part, tuple(messages), ())


class _Loaded:
    """A model with the contenders on it, which is loaded when it is first asked."""

    def __init__(
        self,
        cfg: Config,
        located: LocatedModel,
        builder: PromptBuilder,
        contenders: Sequence[Contender],
        run_dir: Path,
    ) -> None:
        self.cfg, self.located, self.builder, self.contenders = cfg, located, builder, contenders
        self.folder = run_dir / FOLDER
        self.collate = Collator(builder.tokenizer.pad_token_id)

    @cached_property
    def engine(self) -> TransformersEngine:
        decoding = Decoding(self.cfg.forgetting.max_new_tokens, False, 1.0, 1.0, 0, self.cfg.seed)
        return TransformersEngine.load(self.cfg, self.located, [one.adapter for one in self.contenders], decoding)

    @contextmanager
    def being(self, subject: Subject) -> Iterator[Any]:
        """The model as ``subject``."""
        model, adapter = self.engine.model, str(subject.contender.adapter)
        part = nullcontext() if subject.scale == 1 else adapter_at(model, adapter, subject.scale)
        with self.engine.answering_as(subject.contender), part:
            yield model

    def answers(self, subject: Subject, items: Sequence[ProbeItem], fitting: list[Fitting]) -> list[Probed]:
        prompts = {prompt.id: prompt for prompt in as_prompts(fitting, self.builder)}

        def make(missing: set[str]) -> Iterator[Probed]:
            of = {item.id: item for item in items if item.id in missing}
            choices = [item for item in of.values() if item.form == CHOICE]
            written = [prompts[item.id] for item in of.values() if item.form != CHOICE]
            with self.being(subject):
                yield from self._choose(choices, {item.id: prompts[item.id].tokens for item in choices})
                for answer in self.engine.ask(subject.contender, written):
                    item = of[answer.id]
                    yield Probed(answer.id, answer.text, is_right(answer, item.form, item.given))

        name = Said("forgetting.answers_bar", {"name": contender(subject.name)})
        return _kept(self.folder / "answers" / f"{subject.name}.jsonl", list(prompts), Probed, make, name)

    def _choose(self, items: Sequence[ProbeItem], prompts: dict[str, list[int]]) -> Iterator[Probed]:
        """The likeliest letter among those of the options, where an answer would begin, as lm-eval scores MMLU
        (Hendrycks et al. 2021, arXiv:2009.03300); without examples, and in the chat template."""
        shared, letters = self._letters
        of = {item.id: item for item in items}

        def row(item: ProbeItem) -> Row:
            tokens = [*prompts[item.id], *shared, letters[0]]  # the last is the place that is looked at
            return Row(item.id, np.asarray(tokens, dtype=np.int32), np.arange(len(tokens)) == len(tokens) - 1)

        def likeliest(rows: Sequence[Row]) -> list[Probed]:
            logits = scored(self.engine.model, self.collate(rows)).logits[:, letters].cpu()  # (rows, letters)
            found = []
            for one, of_letters in zip(rows, logits, strict=True):
                given = of[one.id].given
                best = int(of_letters[: given["options"]].argmax())
                found.append(Probed(one.id, LETTERS[best], best == given["answer"]))
            return found

        rows = sorted(map(row, items), key=lambda one: len(one.input_ids), reverse=True)
        yield from in_batches(rows, self.cfg.eval.batch_size, likeliest, "prompts", LESS)

    @cached_property
    def _letters(self) -> tuple[list[int], list[int]]:
        """The tokens that an answer of one letter begins with whichever it is, and those that tell the letters."""
        of_each = []
        for letter in LETTERS:
            labels = self.builder.example([Message("user", "?"), Message("assistant", letter)]).labels
            of_each.append([token for token in labels if token != IGNORED_LABEL])
        shared = [tokens[0] for tokens in takewhile(lambda these: len(set(these)) == 1, zip(*of_each, strict=False))]
        telling = [tokens[len(shared)] for tokens in of_each]
        if len(set(telling)) < len(LETTERS):
            raise ModelError(
                f"model {self.located.name}: its tokenizer does not tell the letters {LETTERS[0]} to {LETTERS[-1]} "
                "apart, by which choice questions are scored; leave forgetting out of stages"
            )
        return shared, telling

    def divergences(
        self, base: Subject, subjects: Sequence[Subject], fitting: Sequence[Fitting], texts: Mapping[str, str]
    ) -> list[Diverged]:
        """How far ``subjects`` are from ``base`` at each token of ``texts``, its own answers by item."""
        asked = {one.item.id: one.asked for one in fitting}

        def compared(rows: Sequence[Row]) -> list[Diverged]:
            batch = self.collate(rows)
            with self.being(base) as model:
                logs = scored(model, batch).logits.log_softmax(-1)  # (tokens, vocabulary)
            found = {}
            for subject in subjects:
                with self.being(subject) as model:
                    theirs = scored(model, batch)
                # what is below 0 is rounding
                nats = (logs.exp() * (logs - theirs.logits.log_softmax(-1))).sum(-1).clamp(min=0)
                found[subject.name] = dict(sums_of_rows(nats, theirs, batch))
            counts = next(iter(found.values()))
            return [
                Diverged(row.id, counts[row.id].tokens, {name: of[row.id].nll for name, of in found.items()})
                for row in rows
            ]

        def make(missing: set[str]) -> Iterator[Diverged]:
            rows = reference_rows(self.builder, ((i, asked[i], text) for i, text in texts.items() if i in missing))
            yield from in_batches(
                rows,
                self.cfg.trainer.per_device_eval_batch_size,
                compared,
                "answers",
                "lower forgetting.max_new_tokens",
            )

        return _kept(self.folder / "kl.jsonl", list(texts), Diverged, make, Said("forgetting.kl_bar"))

    def losses(self, subjects: Sequence[Subject], validation: Path) -> list[Perplexed]:
        """The loss on a sample of validation dialogues, as in training."""
        cfg = self.cfg
        dialogues = sorted(
            map(Dialogue.from_json, read_jsonl(validation)), key=lambda d: sha256_json([cfg.data.split_seed, d.id])
        )
        rows = encode(dialogues[: cfg.forgetting.validation_dialogues], self.builder, cfg.data.max_length).rows

        def measured(of: Sequence[Row]) -> list[Perplexed]:
            found = {}
            for subject in subjects:
                with self.being(subject) as model:
                    found[subject.name] = dict(likelihoods(model, self.collate.pad_token_id, [[row] for row in of]))
            tokens = {name: one.tokens for name, one in next(iter(found.values())).items()}
            return [Perplexed(r.id, tokens[r.id], {name: by[r.id].nll for name, by in found.items()}) for r in of]

        def make(missing: set[str]) -> Iterator[Perplexed]:
            wanted = [row for row in rows if row.id in missing]
            yield from in_batches(wanted, cfg.trainer.per_device_eval_batch_size, measured, "references", LESS)

        return _kept(self.folder / "loss.jsonl", [r.id for r in rows], Perplexed, make, Said("forgetting.loss_bar"))


def _kept(
    path: Path, ids: Sequence[str], kind: type[T], make: Callable[[set[str]], Iterable[T]], title: Said
) -> list[T]:
    """A row for each of ``ids``, those that an earlier attempt left and those that are made now, in ``path``."""
    known = set(ids)

    def is_row(row: answer_log.Row) -> bool:
        return row["id"] in known and row.keys() == kind.__dataclass_fields__.keys()

    missing = known - answer_log.so_far(path, is_row).keys()
    if missing:
        answer_log.add(path, 0, map(asdict, progress(make(missing), title, len(missing))))
    return [kind(**row) for row in answer_log.finish(path, ids, is_row)]
