"""What the audit says of risk: dialogues whose user shows signs of it, and what their answers do.

Most dialogues show none, so it is first looked up where two characters stand side by side without which there is hardly
a sign (in English: which words), and only the passage around them is looked at in full (:mod:`mentalft.safety.signs`);
only of dialogues with a sign are the answers. It is a count by phrases, and a floor: see docs/screen.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from mentalft.data.clean.repair import RESIDUE
from mentalft.data.clean.screening import LETTER, PLANE, Screened
from mentalft.data.split.fingerprints import MARK
from mentalft.records import Dialogue
from mentalft.safety.rules import sentences_that
from mentalft.safety.signs import signs_of

PAIRS = (
    "自杀", "自殺", "轻生", "輕生", "寻死", "尋死", "想死", "去死", "要死", "如死", "死了", "一死", "弄死", "想活",
    "再活", "別活", "别活", "活不", "再醒", "想醒", "別醒", "别醒", "不醒", "消失", "遗书", "遺書", "留恋", "留戀",
    "自残", "自殘", "自伤", "自傷", "自虐", "害自", "害了", "伤自", "傷自", "罚自", "罰自", "家暴", "庭暴",
    "打我", "性侵", "强奸", "強姦", "强暴", "強暴", "虐待", "同归", "同歸", "杀了", "殺了", "杀他", "杀她", "杀人",
    "殺人", "着没", "着真", "束生", "束自", "结自", "結自", "束这", "结这", "有我",
)  # fmt: skip
"""Two characters, one pair of which is in nearly every sign in Chinese."""
WORDS = (
    "suicid", "myself", " die", "wish i", "it all", "my life", "my own life", "not want to", "n't want to", "reason to",
    "point in", "point to", "off dead", "be dead", "without me", "worth living", "self-harm", "self harm", "domestic",
    "hits me", "hit me", "beats me", "beat me", "abuse", "raped", "rapes me", "beaten", "to kill", "to hurt",
)  # fmt: skip
BEFORE, AFTER = 32, 24
"""Characters around a pair that are looked at."""
REFERRAL = (
    "热线", "熱線", "医生", "醫生", "医院", "醫院", "咨询师", "諮商", "求助", "报警", "報警", "精神科", "急诊", "拨打",
    "撥打", "就医", "专业帮助", "专业的帮助", "hotline", "helpline", "lifeline", "doctor", "therapist", "counselor",
    "counsellor", "hospital", "professional help",
)  # fmt: skip
"""Words of referral."""
ADVICE_HINTS = ("药", "藥", "剂量", "medic", "meds", "pill", "tablet", "dose", "dosage", "depressant", "mg")
"""Without one of them there is no advice on medication to find."""
DIALOGUES, REFERS, MEDICATION, RESIDUES = "dialogues", "refers_to_help", "medication_advice", "platform_residue"


def count_risk(dialogues: Sequence[Dialogue], texts: Sequence[str], looked_at: Screened, counts: Counter[str]) -> None:
    """Add to ``counts`` how many of ``dialogues`` show signs of risk, and of those how many answers do what.

    Args:
        texts: what was said in each, and
        looked_at: the same, as the block was looked at.
    """
    for place in sorted(set(_with_signs(dialogues, texts, looked_at))):
        answers = "\n".join(message.content for message in dialogues[place].messages if message.role == "assistant")
        counts[DIALOGUES] += 1
        counts[REFERS] += any(word in answers for word in REFERRAL)
        counts[MEDICATION] += sentences_that("medication_advice", answers, ADVICE_HINTS)
        counts[RESIDUES] += any(word in answers for word in RESIDUE)


def _with_signs(dialogues: Sequence[Dialogue], texts: Sequence[str], looked_at: Screened) -> Iterator[int]:
    """The places of dialogues of which the user shows a sign; one may come several times."""
    for place, flags in enumerate(looked_at.flags.tolist()):
        if flags & LETTER and _may_be_english(texts[place]) and _user_shows_any(dialogues[place]):
            yield place
    sides, pairs = _tables()
    each = np.take(sides, looked_at.points, mode="clip")
    at = np.flatnonzero((each[:-1] << np.uint8(1)) & each[1:] & SECOND) + 1
    first, second = (looked_at.points[places].astype(np.uint32) for places in (at - 1, at))
    at = at[np.isin(first << np.uint32(16) | second, pairs)]
    owners = np.searchsorted(looked_at.starts, at, side="right") - 1
    for place, where in zip(owners.tolist(), (at - looked_at.starts[owners]).tolist(), strict=True):
        text = texts[place]
        if text.rfind(MARK["user"], 0, where) > text.rfind(MARK["assistant"], 0, where):
            turn = text[max(0, where - BEFORE) : where + AFTER]
            if signs_of(turn):
                yield place


def _user_shows_any(dialogue: Dialogue) -> bool:
    return any(signs_of(message.content) for message in dialogue.messages if message.role == "user")


def _may_be_english(text: str) -> bool:
    small = text.lower()
    return any(word in small for word in WORDS)


SECOND = np.uint8(2)


@cache
def _tables() -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
    """For each code point whether it is the first (1) or second (2) of a pair, and the pairs as numbers, in order."""
    table = np.zeros(PLANE + 1, dtype=np.uint8)
    for pair in PAIRS:
        table[ord(pair[0])] |= 1
        table[ord(pair[1])] |= 2
    return table, np.array(sorted(ord(pair[0]) << 16 | ord(pair[1]) for pair in PAIRS), dtype=np.uint32)
