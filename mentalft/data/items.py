"""What is asked: held-out dialogues turn by turn, or a bank of questions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from mentalft.assets import QUESTION_BANK
from mentalft.config import EvalConfig
from mentalft.data.prompts import with_system
from mentalft.files import read_jsonl
from mentalft.records import Dialogue, Item, Message


def items_to_ask(cfg: EvalConfig, test_file: Path, system_message: str | None, seed: int) -> list[Item]:
    """The items of this evaluation, the same for base and tuned, in a fixed order.

    ``cfg.max_items`` keeps whole dialogues, chosen by a seeded hash of their id.
    """
    if cfg.items == "bank":
        found = bank_items(QUESTION_BANK, system_message)
    else:
        dialogues = (Dialogue.from_json(row) for row in read_jsonl(test_file))
        found = [
            item for dialogue in dialogues for item in dialogue_items(dialogue, every_turn=cfg.turns == "every_turn")
        ]
    return _limited(found, cfg.max_items, seed)


def dialogue_items(dialogue: Dialogue, *, every_turn: bool) -> list[Item]:
    """One item for each assistant turn (or the last alone), with the true history before it."""
    answers = [i for i, m in enumerate(dialogue.messages) if m.role == "assistant"]
    return [
        Item(
            id=f"{dialogue.id}#{turn}",
            dialogue_id=dialogue.id,
            topic=dialogue.topic,
            messages=dialogue.messages[:index],
            references=(dialogue.messages[index].content, *(dialogue.references if index == answers[-1] else ())),
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


def _limited(items: list[Item], most: int | None, seed: int) -> list[Item]:
    if most is None or len(items) <= most:
        return items
    kept: set[str] = set()
    size: dict[str, int] = {}
    for item in items:
        size[item.dialogue_id] = size.get(item.dialogue_id, 0) + 1
    room = most
    for dialogue_id in _shuffled(size, seed):
        if size[dialogue_id] <= room:
            kept.add(dialogue_id)
            room -= size[dialogue_id]
    return [item for item in items if item.dialogue_id in kept]


def _shuffled(ids: Iterable[str], seed: int) -> list[str]:
    return sorted(ids, key=lambda i: hashlib.blake2b(f"{seed}\x1f{i}".encode(), digest_size=8).digest())
