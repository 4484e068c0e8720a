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

DIRTY, DIGIT, LETTER, NAME, NUMBERED, PLACE, REMARK = (1 << bit for bit in range(7))
_IN, _TOWN, _FIRST, _SECOND, _DIGIT, _LETTER, _ME, _CALLED = (1 << bit for bit in range(7, 15))
CONCERNS = {
    _DIGIT: "0123456789０１２３４５６７８９",
    _LETTER: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.",
    LETTER: "@＠",
    _ME: "我字名人就姓",
    _CALLED: "叫字名",
    NUMBERED: "号弄",
    _IN: "在",
    _TOWN: "北上天重广深杭南苏成武西长郑青济沈大哈合福厦宁无佛东昆贵石太兰银乌拉海呼温珠徐洛烟"
    "河山湖江浙安四云陕甘辽吉黑内新",
    _FIRST: "题楼答公扫点关私知",
    _SECOND: "主众码赞注信乎",
    REMARK: "[TNXxL省补壹",
}
"""Characters without which a check has nothing to find; those with an underscore only in pairs."""
PAIRS = (
    (_IN, _TOWN, PLACE), (_FIRST, _SECOND, REMARK), (_DIGIT, _DIGIT, DIGIT), (_LETTER, _LETTER, LETTER),
    (_ME, _CALLED, NAME),
)  # fmt: skip
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
    flags = np.bitwise_or.reduceat(each, starts)
    after, before = each[1:], each[:-1]
    for first, second, concern in PAIRS:
        pairs = np.flatnonzero(((before & first) != 0) & ((after & second) != 0))
        flags[np.searchsorted(starts, pairs, side="right") - 1] |= concern
    return Screened(short, starts, (flags & 0x7F).astype(np.uint8))


@cache
def _table() -> NDArray[np.uint16]:
    table = np.zeros(PLANE + 1, dtype=np.uint16)
    for point in range(PLANE):
        if _may_be_dirty(chr(point)):
            table[point] |= DIRTY
    for concern, characters in CONCERNS.items():
        for character in characters:
            table[ord(character)] |= concern
    table[[2, 3, 4]] = 0  # the marks between turns; repair has seen to it that text holds none
    return table


def _may_be_dirty(character: str) -> bool:
    """Whether repair might change it, alone or after another: not NFC, or no text at all."""
    category = unicodedata.category(character)
    if category in ("Cc", "Cs") or character in "\u2028\u2029\ufeff\ufffe":
        return character != "\n"  # \t is text, but rare enough for the closer look
    joins = category.startswith("M") or "\u1161" <= character <= "\u11ff"
    return joins or unicodedata.normalize("NFC", character) != character
