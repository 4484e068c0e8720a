"""One look at every character of a block: which dialogues need a closer look, and for what.

A table says for each code point which checks it may concern. Most dialogues concern few checks, so the checks
themselves, dear as they are, run on few.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

DIRTY, LETTER, NUMBERED, REMARK, DIGIT, NAME, PLACE = (1 << bit for bit in range(7))
SINGLE = {
    LETTER: "@＠",
    REMARK: "[TNXxL壹",
}
"""Characters without which a check has nothing to find."""
DIGITS = "0123456789０１２３４５６７８９"
LATIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ."
TOWNS = (
    "北上天重广深杭南苏成武西长郑青济沈大哈合福厦宁无佛东昆贵石太兰银乌拉海呼温珠徐洛烟河山湖江浙安四云陕甘辽吉黑内新"
)
PAIRS = (
    (DIGIT, DIGITS, DIGITS),
    (LETTER, LATIN, LATIN),
    (NAME, "我字名人就姓", "叫名"),
    (NAME, "字", "是"),
    (NUMBERED, DIGITS + "一二三四五六七八九十百", "号弄"),
    (PLACE, "在", TOWNS),
    (REMARK, "题楼答公扫点关私知", "主众码赞注信乎"),
)
"""Pairs of characters, the first of some and the second of others, without which a check has nothing to find."""
FIRST_PAIR = 4
"""The bit of the first pair's first characters; its second characters have the next bit, and so on for each pair."""
PLANE = 0xFFFF
"""Code points beyond the basic plane are looked up as this one, which is no character."""


class Screened(NamedTuple):
    """A block's texts as code points, and what each text may concern."""

    points: NDArray[np.uint16]  # (characters,) of all texts, those beyond the basic plane as PLANE
    starts: NDArray[np.int64]  # (texts,) where each begins
    flags: NDArray[np.uint8]  # (texts,)


def screened(texts: Sequence[str]) -> Screened:
    """Look at ``texts``, none of them empty."""
    points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype="<u4")
    if len(points) and points.max() > PLANE:
        points = np.minimum(points, PLANE)
    short = points.astype(np.uint16)
    starts = np.zeros(len(texts), dtype=np.int64)
    np.cumsum([len(text) for text in texts[:-1]], out=starts[1:])
    if not len(texts):
        return Screened(short, starts, np.zeros(0, np.uint8))
    each = _table()[short]
    flags = np.bitwise_or.reduceat(each, starts) & 0xF
    pairs = np.zeros_like(each)
    np.bitwise_and(each[:-1] << 1, each[1:], out=pairs[1:])
    pairs[starts] = 0  # the end of one text and the beginning of the next are no pair
    seen = np.bitwise_or.reduceat(pairs, starts)
    for number, (concern, _, _) in enumerate(PAIRS):
        flags[(seen & (2 << (FIRST_PAIR + 2 * number))) != 0] |= concern
    return Screened(short, starts, flags.astype(np.uint8))


@cache
def _table() -> NDArray[np.uint32]:
    table = np.zeros(PLANE + 1, dtype=np.uint32)
    for point in range(PLANE):
        if _may_be_dirty(chr(point)):
            table[point] |= DIRTY
    for concern, characters in SINGLE.items():
        table[list(map(ord, characters))] |= concern
    for number, (_, first, second) in enumerate(PAIRS):
        table[list(map(ord, first))] |= 1 << (FIRST_PAIR + 2 * number)
        table[list(map(ord, second))] |= 2 << (FIRST_PAIR + 2 * number)
    table[[2, 3, 4]] = 0  # the marks between turns; repair has seen to it that text holds none
    return table


def _may_be_dirty(character: str) -> bool:
    """Whether repair might change it, alone or after another: not NFC, or no text at all."""
    category = unicodedata.category(character)
    if category in ("Cc", "Cs") or character in "\u2028\u2029\ufeff\ufffe":
        return character != "\n"  # \t is text, but rare enough for the closer look
    joins = category.startswith("M") or "\u1161" <= character <= "\u11ff"
    return joins or unicodedata.normalize("NFC", character) != character
