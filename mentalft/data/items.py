"""What is asked: held-out dialogues turn by turn, a bank of questions, or the user's own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from mentalft.assets import QUESTION_BANK
from mentalft.config import EvalConfig
from mentalft.data.prompts import with_system
from mentalft.data.read.questions import read_questions
from mentalft.data.thinking import apart
from mentalft.errors import DataError
from mentalft.files import read_jsonl
from mentalft.records import Dialogue, Item, Message, Rejected, Splits


class Asking(NamedTuple):
    items: list[Item]
    problems: list[Rejected]
    """Records of the user's own file that cannot be asked."""


def items_to_ask(cfg: EvalConfig, splits: Splits, system_message: str | None, seed: int) -> Asking:
    """The items of this evaluation, the same for base and tuned, in a fixed order.

    ``cfg.max_items`` keeps whole dialogues, drawn topic by topic in proportion, in an order that ``seed`` and their ids
    decide.

    Raises:
        DataError: ``cfg.questions`` cannot be read or holds nothing to ask.
    """
    problems: list[Rejected] = []
    if cfg.items == "file":
        path = Path(str(cfg.questions)).expanduser()
        found, problems = read_questions(path, "eval.questions", system_message)
    elif cfg.items == "bank":
        found = bank_items(QUESTION_BANK, system_message)
    else:
        found = split_items(
            splits.validation if cfg.items == "validation" else splits.test, every_turn=cfg.turns == "every_turn"
        )
        if cfg.items == "both":
            bank = bank_items(QUESTION_BANK, system_message)
            found += [replace(i, id=f"bank/{i.id}", dialogue_id=f"bank/{i.dialogue_id}") for i in bank]
    return Asking(sample(found, cfg.max_items, seed), problems)


def check_comparable(cfg: EvalConfig, splits: Splits, system_message: str | None, seed: int) -> None:
    """Raise :class:`DataError` where fewer than two dialogues are to be asked, over which no interval can be had."""
    items = items_to_ask(cfg, splits, system_message, seed).items
    dialogues = len({item.dialogue_id for item in items})
    if dialogues < 2:
        most = "null" if cfg.max_items is None else cfg.max_items
        raise DataError(
            f"evaluate: eval.items={cfg.items} and eval.max_items={most} would ask {len(items)} items from "
            f"{'a single dialogue' if dialogues else 'no dialogue'}, and compare needs two dialogues at least; raise "
            "data.test_fraction or eval.max_items, or give more data"
        )


def files_asked(cfg: EvalConfig, splits: Splits) -> list[Path]:
    """The files that decide what is asked, besides those of the package.

    Raises:
        DataError: ``cfg.questions`` does not exist.
    """
    if cfg.items != "file":
        return [splits.validation if cfg.items == "validation" else splits.test]
    path = Path(str(cfg.questions)).expanduser()
    if not path.is_file():
        raise DataError(f"eval.questions={path} does not exist; give a JSON, JSONL or CSV file")
    return [path]


def split_items(path: Path, *, every_turn: bool) -> list[Item]:
    """The items of a ChatML JSONL file that the prepare stage wrote."""
    dialogues = (Dialogue.from_json(row) for row in read_jsonl(path))
    return [item for dialogue in dialogues for item in dialogue_items(dialogue, every_turn=every_turn)]


def dialogue_items(dialogue: Dialogue, *, every_turn: bool) -> list[Item]:
    """One item for each assistant turn to learn from (or the last of them), with the true history before it."""
    answers = [i for i, m in enumerate(dialogue.messages) if m.role == "assistant" and m.learnt]
    return [
        Item(
            id=f"{dialogue.id}#{turn}",
            dialogue_id=dialogue.id,
            topic=dialogue.topic,
            messages=dialogue.messages[:index],
            references=tuple(
                apart(text).answer or text
                for text in (
                    dialogue.messages[index].content,
                    *(dialogue.references if index == answers[-1] else ()),
                )
            ),
        )
        for turn, index in enumerate(answers, 1)
        if (every_turn or index == answers[-1]) and any(m.role == "user" for m in dialogue.messages[:index])
    ]


def bank_items(path: Path, system_message: str | None) -> list[Item]:
    """One item for each question of a JSONL file of ``{"id", "topic", "question", "answer"}``."""
    return [
        Item(
            id=row["id"],
            dialogue_id=row["id"],
            topic=row["topic"],
            messages=tuple(with_system([Message("user", row["question"])], system_message)),
            references=(row["answer"],),
        )
        for row in read_jsonl(path)
    ]


def item_row(item: Item) -> dict[str, Any]:
    """The record of ``responses/items.jsonl``."""
    return {**item.__dict__, "messages": [m.to_json() for m in item.messages]}


def item_of(row: dict[str, Any]) -> Item:
    """The inverse of :func:`item_row`."""
    messages = tuple(map(Message.from_json, row["messages"]))
    return Item(**{**row, "messages": messages, "references": tuple(row["references"])})


def sample(items: list[Item], most: int | None, seed: int) -> list[Item]:
    """At most ``most`` items of whole dialogues, each topic's share of the dialogues kept as nearly as can be.

    The dialogues are taken as :func:`in_share` has them, so a smaller sample is the beginning of a larger one.
    """
    if most is None or len(items) <= most:
        return items
    size: dict[str, int] = {}
    for item in items:
        size[item.dialogue_id] = size.get(item.dialogue_id, 0) + 1
    kept: set[str] = set()
    room = most
    for dialogue_id in in_share(((item.dialogue_id, item.topic) for item in items), seed):
        if size[dialogue_id] <= room:
            kept.add(dialogue_id)
            room -= size[dialogue_id]
    return [item for item in items if item.dialogue_id in kept]


def in_share(dialogues: Iterable[tuple[str, str | None]], seed: int) -> list[str]:
    """The ids of ``dialogues`` (id, topic) in a seeded order, of which every beginning has each topic in its share.

    Within a topic dialogues stand in a seeded order; a topic's n dialogues are laid evenly over the unit interval, and
    those of all topics are taken from its front.
    """
    topics: dict[str | None, dict[str, None]] = {}  # the dialogues of each, once
    for dialogue_id, topic in dialogues:
        topics.setdefault(topic, {})[dialogue_id] = None

    def draw(dialogue_id: str) -> bytes:
        return hashlib.blake2b(f"{seed}\x1f{dialogue_id}".encode("utf-8", "surrogatepass"), digest_size=8).digest()

    places = [
        ((rank + 0.5) / len(ids), draw(dialogue_id), dialogue_id)
        for ids in topics.values()
        for rank, dialogue_id in enumerate(sorted(ids, key=draw))
    ]
    return list(dict.fromkeys(dialogue_id for _, _, dialogue_id in sorted(places)))
