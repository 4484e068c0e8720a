"""The text that the embedded models are built from, all written for this project.

It is the chat pairs beside this file, and the turns of those sample dialogues that the default
configuration puts into the train split. Validation and test dialogues are left out, and so is the bank.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from mentalft.assets import SAMPLE_DIALOGUES
from mentalft.data.read.reading import read_dialogues
from mentalft.data.split.fingerprints import keys_of
from mentalft.data.split.places import SPLITS, placed
from mentalft.records import Dialogue

VALIDATION_FRACTION, TEST_FRACTION, SPLIT_SEED = 0.1, 0.2, 42
"""As in ``conf/data/sample.yaml``; a test holds them together."""


class Chat(NamedTuple):
    question: str
    answer: str


def chats(folder: Path) -> list[Chat]:
    """General questions and answers: every row of every ``*.jsonl`` in ``folder``."""
    rows = (json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.open(encoding="utf-8"))
    return [Chat(row["question"], row["answer"]) for row in rows]


def train_dialogues() -> list[Dialogue]:
    """The sample dialogues of the default train split."""
    found = [d for d in read_dialogues(SAMPLE_DIALOGUES, "soulchat") if isinstance(d, Dialogue)]
    places = placed(keys_of(found), VALIDATION_FRACTION, TEST_FRACTION, SPLIT_SEED)
    return [d for d, place in zip(found, places.tolist(), strict=True) if place == SPLITS.index("train")]


def train_exchanges() -> list[str]:
    """Those dialogues as plain text, a user turn and the reply on the next line."""
    return [
        f"{user.content}\n{reply.content}"
        for dialogue in train_dialogues()
        for user, reply in zip(dialogue.messages[::2], dialogue.messages[1::2], strict=True)
    ]
