"""The text that the embedded models are built from: chat pairs and passages, all written for this project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple


class Chat(NamedTuple):
    question: str
    answer: str


class Passage(NamedTuple):
    title: str
    text: str


def read(folder: Path) -> tuple[list[Chat], list[Passage]]:
    """Every row of every ``*.jsonl``: ``{"question", "answer"}`` or ``{"title", "text"}``."""
    chats, passages = [], []
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if "question" in row:
                chats.append(Chat(row["question"], row["answer"]))
            else:
                passages.append(Passage(row["title"], row["text"]))
    return chats, passages
