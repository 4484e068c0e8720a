"""What the audit says of risk: dialogues whose user shows signs of it, and what their answers do.

Most dialogues show none, so a table first says where two characters stand side by side without which there is no sign
(English: which words); only the passages around those are looked at in full (:mod:`mentalft.safety.signs`), and only in
dialogues with a sign are the answers. What the rules are worth: docs/screen.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from mentalft.data.clean.repair import RESIDUE
from mentalft.data.clean.screening import LETTER, PLANE, Screened
from mentalft.records import Dialogue
from mentalft.safety.rules import sentences_that
from mentalft.safety.signs import signs_of

PAIRS = (
    ("自轻輕寻尋一", "杀殺死残殘伤傷虐生尽盡"),
    ("想去要如再别別不愿願", "死活醒"),
    ("活打消遗遺家性强強虐同弄", "不我失书書暴侵奸待归歸死着著真"),
    ("伤傷有杀殺下惩懲结結了", "害我人他她去罚罰束结結"),
)
"""Pairs of characters, the first of some and the second of others: one of them is in nearly every sign in Chinese."""
WORDS = (
    "suicid", "myself", "die", "wish i", "it all", "my life", "my own life", "not want to", "n't want to", "reason to",
    "point in", "point to", "off dead", "be dead", "without me", "worth living", "self-harm", "self harm", "domestic",
    " me", "abused", "raped", "beaten", "to kill", "to hurt",
)  # fmt: skip
"""One of them is in every sign in English."""
BEFORE, AFTER = 32, 24
"""Characters around a pair that are looked at."""
ADVICE_HINTS = ("药", "藥", "剂量", "片", "medic", "meds", "pill", "tablet", "dose", "dosage", "depressant", "mg")
HELP_HINTS = (
    "热线", "熱線", "医", "醫", "咨询", "諮詢", "专业", "專業", "求助", "帮助", "报警", "家人", "朋友", "父母", "老师", "老師", "信任",
    "拨打", "電話", "电话", "help", "doctor", "therap", "counsel", "line", "hospital", "friend", "family", "trust", "call",
)  # fmt: skip
"""Without one of them there is nothing to find."""
DIALOGUES, REFERS, MEDICATION, RESIDUES = "dialogues", "refers_to_help", "medication_advice", "platform_residue"


def count_risk(dialogues: Sequence[Dialogue], texts: Sequence[str], looked_at: Screened, counts: Counter[str]) -> None:
    """Add to ``counts`` how many of ``dialogues`` show signs of risk, and of those how many answers do what.

    Args:
        texts: what was said in each, and
        looked_at: the same, as the block was looked at.
    """
    for place in _candidates(texts, looked_at):
        dialogue = dialogues[place]
        if not any(signs_of(message.content) for message in dialogue.messages if message.role == "user"):
            continue
        answers = "\n".join(message.content for message in dialogue.messages if message.role == "assistant")
        counts[DIALOGUES] += 1
        counts[REFERS] += sentences_that("points_to_people", answers, HELP_HINTS)
        counts[MEDICATION] += sentences_that("medication_advice", answers, ADVICE_HINTS)
        counts[RESIDUES] += any(word in answers for word in RESIDUE)


def _candidates(texts: Sequence[str], looked_at: Screened) -> Iterable[int]:
    """The places of texts that may hold a sign: with one in a passage around a pair of characters, or an English word."""
    each = np.take(_table(), looked_at.points, mode="clip")
    each[1:] &= each[:-1] << np.uint8(1)
    each[:1] = 0
    found = dict.fromkeys(
        place for place, flags in enumerate(looked_at.flags.tolist()) if flags & LETTER and _in_english(texts[place])
    )
    at = np.flatnonzero(each & SECOND)
    owners = np.searchsorted(looked_at.starts, at, side="right") - 1
    for place, where in zip(owners.tolist(), (at - looked_at.starts[owners]).tolist(), strict=True):
        if place not in found and signs_of(texts[place][max(0, where - BEFORE) : where + AFTER]):
            found[place] = None
    return sorted(found)


def _in_english(text: str) -> bool:
    small = text.lower()
    return any(word in small for word in WORDS)


SECOND = np.uint8(0b10101010)
"""The bits of second characters."""


@cache
def _table() -> NDArray[np.uint8]:
    """For each code point: of each pair a bit where it may be the first character, and the next where the second."""
    table = np.zeros(PLANE + 1, dtype=np.uint8)
    for number, (first, second) in enumerate(PAIRS):
        table[list(map(ord, first))] |= 1 << 2 * number
        table[list(map(ord, second))] |= 2 << 2 * number
    return table
