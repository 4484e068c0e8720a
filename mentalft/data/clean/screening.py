"""One look at every character of a block: which dialogues need a closer look, and for what.

A table says for each code point which checks it may concern. Most dialogues concern few checks, so the checks
themselves, dear as they are, run on few.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mentalft.data.clean.repair import UNWANTED

DIRTY, LETTER, NUMBERED, REMARK, DIGIT, NAME, PLACE, SPELLED = (1 << bit for bit in range(8))
SINGLE = ((REMARK, "[TNXxL壹"),)
"""Characters without which a check has nothing to find."""
DIGITS = "0123456789０１２３４５６７８９"
LATIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ."
TOWNS = (
    "北上天重广深杭南苏成武西长郑青济沈大哈合福厦宁无佛东昆贵石太兰银乌拉海呼温珠徐洛烟河山湖江浙安四云陕甘辽吉黑内新"
)
SPELT = "零〇一二三四五六七八九幺"
DOUBLES = ((DIGIT, DIGITS + " "),)
"""Characters of which a check needs two side by side."""
RUNS = ((SPELLED, SPELT),)
"""Characters of which a check needs four in a row."""
PAIRS = (
    (LETTER, LATIN, LATIN + DIGITS + "-_"),
    (NAME, "我字名人就姓俺", "叫名姓"),
    (NAME, "字名", "是：:"),
    (NUMBERED, DIGITS + "一二三四五六七八九十百ABCDEFGH", "号弄號栋幢座"),
    (PLACE, "在限分", TOWNS + "公行"),
    (REMARK, "题楼答公扫点关私知", "主众码赞注信乎"),
)
"""Pairs of characters, the first of some and the second of others, without which a check has nothing to find."""
FIRST_DOUBLE = 1 + len(SINGLE)
FIRST_RUN = FIRST_DOUBLE + len(DOUBLES)
FIRST_PAIR = FIRST_RUN + len(RUNS)
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
    each = np.take(_table(), short, mode="clip")  # nothing is out of range; saying so halves the time
    flags = np.bitwise_or.reduceat(each, starts)
    found = (flags & 1).astype(np.uint8) * np.uint8(DIRTY)
    beside, after = np.zeros_like(each), np.zeros_like(each)
    np.bitwise_and(each[:-1], each[1:], out=beside[1:])
    np.bitwise_and(each[:-1] << np.uint16(1), each[1:], out=after[1:])
    beside[starts] = after[starts] = 0  # the end of one text and the beginning of the next are no pair
    doubles, pairs = np.bitwise_or.reduceat(beside, starts), np.bitwise_or.reduceat(after, starts)
    beside[2:] &= beside[:-2].copy()
    runs = np.bitwise_or.reduceat(beside, starts)
    for bits, first, step, checks in (
        (flags, 1, 1, SINGLE),
        (doubles, FIRST_DOUBLE, 1, DOUBLES),
        (runs, FIRST_RUN, 1, RUNS),
        (pairs, FIRST_PAIR + 1, 2, PAIRS),
    ):
        for number, (concern, *_) in enumerate(checks):
            found[(bits & (1 << (first + step * number))) != 0] |= concern
    return Screened(short, starts, found)


@cache
def _table() -> NDArray[np.uint16]:
    """For each code point: bit 0 where it may be dirty, then a bit for each check that it may concern."""
    table = np.zeros(PLANE + 1, dtype=np.uint16)
    for point in unlike_others():
        table[point] = _may_be_dirty(chr(point))
    sets = [text for _, text in (*SINGLE, *DOUBLES, *RUNS)] + [text for _, *both in PAIRS for text in both]
    for bit, characters in enumerate(sets, 1):
        table[list(map(ord, characters))] |= 1 << bit
    table[[2, 3, 4]] = 0  # the marks between turns; repair has seen to it that text holds none
    return table


def unlike_others() -> Iterator[int]:
    """Code points of the basic plane, but for the blocks of letters that are all alike: none of them has another form.

    Chinese characters and Korean syllables; going through these would double the time that a process takes to start.
    """
    return chain(range(0x3400), range(0x4DC0, 0x4E00), range(0xA000, 0xAC00), range(0xD7A4, PLANE))


def _may_be_dirty(character: str) -> bool:
    """Whether repair might change it, alone or after another: not NFC, or no text at all."""
    category = unicodedata.category(character)
    if category in ("Cc", "Cs") or character in "\u2028\u2029" or UNWANTED.match(character):
        return character != "\n"  # \t is text, but rare enough for the closer look
    joins = category.startswith("M") or "\u1161" <= character <= "\u11ff"
    return joins or unicodedata.normalize("NFC", character) != character
