"""Items as prompts: what an evaluation asks, and what it has to leave out."""

from __future__ import annotations

from typing import Any, NamedTuple

from mentalft.config import Config
from mentalft.data.items import items_to_ask
from mentalft.data.prompts import PromptBuilder, arranged
from mentalft.errors import DataError
from mentalft.files import sha256_json
from mentalft.records import Item, Prompt, Splits
from mentalft.words import Said


class Questions(NamedTuple):
    items: list[Item]
    prompts: list[Prompt]
    """One for each item, in the same order."""
    notes: list[Said]
    """What is not asked, and why."""


def questions_of(cfg: Config, tokenizer: Any | None, splits: Splits) -> Questions:
    """The items of this evaluation and their prompts; the same for base and tuned, and in every process.

    Args:
        tokenizer: None where a server makes tokens of the messages; prompts then have none and any length.

    Raises:
        DataError: not one prompt fits in ``data.max_length`` tokens.
    """
    wanted, problems = items_to_ask(cfg.eval, splits, cfg.data.system_message, cfg.data.split_seed)
    notes = [Said("evaluate.not_asked", {"problem": problem.said}) for problem in problems]
    if tokenizer is None:
        prompts = [_told(item, cfg.data.system_as) for item in wanted]
        return Questions(wanted, prompts, notes)
    builder = PromptBuilder.of(cfg, tokenizer)
    found = as_prompts(wanted, builder, cfg.data.max_length)
    if not found.prompts:
        raise DataError(
            f"evaluate: not one of {len(wanted)} prompts fits in data.max_length={cfg.data.max_length} tokens; raise it"
        )
    return found._replace(notes=[*notes, *found.notes])


def _told(item: Item, system_as: str) -> Prompt:
    """What a server is told."""
    messages = tuple(arranged(item.messages, system_as))
    return Prompt(item.id, sha256_json([m.chat() for m in messages]), [], messages)


def as_prompts(wanted: list[Item], builder: PromptBuilder, max_length: int) -> Questions:
    """The prompts of those items that fit in ``max_length`` tokens, oldest turns dropped if need be."""
    items, prompts = [], []
    for item in wanted:
        messages = builder.fit(item.messages, max_length, as_prompt=True)
        if messages is not None:
            tokens = builder.prompt(messages)
            items.append(item)
            prompts.append(Prompt(item.id, sha256_json(tokens), tokens, tuple(messages)))
    left = len(wanted) - len(items)
    notes = [Said("evaluate.too_long", {"left": left, "all": len(wanted)})] if left else []
    return Questions(items, prompts, notes)
