"""Items as prompts: what an evaluation asks, and what it has to leave out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mentalft.config import Config
from mentalft.data.items import items_to_ask
from mentalft.data.prompts import PromptBuilder, arranged
from mentalft.errors import DataError
from mentalft.files import sha256_json
from mentalft.modeling.locate import LocatedModel
from mentalft.records import Item, Message, Prompt, Splits
from mentalft.words import Said


class Fitting(NamedTuple):
    item: Item
    asked: tuple[Message, ...]
    """What is left of its messages."""


class Questions(NamedTuple):
    items: list[Item]
    prompts: dict[LocatedModel | None, list[Prompt]]
    """By the model whose tokens they are (None: the messages alone): one for each item, in the same order."""
    notes: list[Said]
    """What is not asked, and why."""


def questions_of(cfg: Config, tokenizers: Mapping[LocatedModel, Any], splits: Splits) -> Questions:
    """The items of this evaluation and their prompts; the same messages for every contender, and in every process.

    Args:
        tokenizers: of the models that are asked here; a server makes tokens of the messages itself, whatever their
            length.

    Raises:
        DataError: not one prompt fits in ``data.max_length`` tokens.
    """
    wanted, problems = items_to_ask(cfg.eval, splits, cfg.data.system_message, cfg.data.split_seed)
    found = questions_about(cfg, wanted, tokenizers)
    notes = [Said("evaluate.not_asked", {"problem": problem.said}) for problem in problems]
    return found._replace(notes=[*notes, *found.notes])


def questions_about(cfg: Config, wanted: Sequence[Item], tokenizers: Mapping[LocatedModel, Any]) -> Questions:
    """``wanted`` as prompts, as :func:`questions_of` makes them of an evaluation's items.

    Raises:
        DataError: not one prompt fits in ``data.max_length`` tokens.
    """
    notes = []
    builders = {model: PromptBuilder.of(cfg, tokenizer, model.name) for model, tokenizer in tokenizers.items()}
    fitting = fit(wanted, list(builders.values()), cfg.data.max_length)
    if not fitting:
        raise DataError(
            f"evaluate: not one of {len(wanted)} prompts fits in data.max_length={cfg.data.max_length} tokens; raise it"
        )
    if left := len(wanted) - len(fitting):
        notes.append(Said("evaluate.too_long", {"left": left, "all": len(wanted)}))
    prompts: dict[LocatedModel | None, list[Prompt]] = {
        model: as_prompts(fitting, builder) for model, builder in builders.items()
    }
    told = [_told(item, asked, cfg.data.system_as) for item, asked in fitting]
    return Questions([item for item, _ in fitting], {**prompts, None: told}, notes)


def _told(item: Item, asked: Sequence[Message], system_as: str) -> Prompt:
    """What a server is told."""
    messages = tuple(arranged(asked, system_as))
    return Prompt(item.id, sha256_json([m.chat() for m in messages]), [], messages)


def fit(wanted: Sequence[Item], builders: Sequence[PromptBuilder], max_length: int) -> list[Fitting]:
    """Those items that fit in ``max_length`` tokens of every builder's, oldest turns dropped if need be."""
    found = []
    for item in wanted:
        messages: Sequence[Message] | None = item.messages
        for builder in builders:
            messages = messages and builder.fit(messages, max_length, as_prompt=True)
        if messages:
            found.append(Fitting(item, tuple(messages)))
    return found


def as_prompts(fitting: list[Fitting], builder: PromptBuilder) -> list[Prompt]:
    """Their prompts in one model's tokens."""
    made = [(item, asked, builder.prompt(asked)) for item, asked in fitting]
    return [Prompt(item.id, sha256_json(tokens), tokens, asked) for item, asked, tokens in made]
