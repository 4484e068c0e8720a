"""One look at every character of a block: which dialogues need a closer look, and for what.

A table says for each code point which checks it may concern. Most dialogues concern few checks, so the checks
themselves, dear as they are, run on few.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mentalft.data.clean.numbers import ENCLOSING, PLAIN, SEPARATORS, SPELT

LETTER, NUMBERED, REMARK, DIGIT, NAME, PLACE, SPELLED = (1 << bit for bit in range(7))
ALL = 0x7F
SINGLE = ((REMARK, "[TNXxL壹"),)
"""Characters without which a check has nothing to find."""
DIGITS = "".join(map(str, range(10))) + "".join(chr(c) for c, plain in PLAIN.items() if plain.isdigit() and c <= 0xFFFF)
LATIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ."
LATIN += "".join(chr(c) for c, plain in PLAIN.items() if plain.isalpha())
TOWNS = (
    "北上天重广深杭南苏成武西长郑青济沈大哈合福厦宁无佛东昆贵石太兰银乌拉海呼温珠徐洛烟河山湖江浙安四云陕甘辽吉黑内新"
)
RUNS = ((SPELLED, DIGITS + "".join(SPELT)),)
"""Characters of which a check needs four in a row."""
PAIRS = (
    (DIGIT, DIGITS, DIGITS + SEPARATORS + ENCLOSING),
    (LETTER, LATIN, LATIN + DIGITS + "-_"),
    (NAME, "我字名人就姓俺公婆夫子友儿女", "叫名姓"),
    (NAME, "字名", "是：:"),
    (NUMBERED, DIGITS + "一二三四五六七八九十百ABCDEFGH", "号弄號栋幢座"),
    (PLACE, "在限分市师", TOWNS + "公行第人妇范"),
    (REMARK, "题楼答公扫点关私知", "主众码赞注信乎"),
)
"""Pairs of characters, the first of some and the second of others, without which a check has nothing to find."""
FIRST_RUN = len(SINGLE)
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
    found = np.zeros(len(texts), np.uint8)
    beside, after = np.zeros_like(each), np.zeros_like(each)
    np.bitwise_and(each[:-1], each[1:], out=beside[1:])
    np.bitwise_and(each[:-1] << np.uint16(1), each[1:], out=after[1:])
    beside[starts] = after[starts] = 0  # the end of one text and the beginning of the next are no pair
    pairs = np.bitwise_or.reduceat(after, starts)
    beside[2:] &= beside[:-2].copy()
    runs = np.bitwise_or.reduceat(beside, starts)
    for bits, first, step, checks in (
        (flags, 0, 1, SINGLE),
        (runs, FIRST_RUN, 1, RUNS),
        (pairs, FIRST_PAIR + 1, 2, PAIRS),
    ):
        for number, (concern, *_) in enumerate(checks):
            found[(bits & (1 << (first + step * number))) != 0] |= concern
    return Screened(short, starts, found)


@cache
def _table() -> NDArray[np.uint16]:
    """For each code point: a bit for each check that it may concern."""
    table = np.zeros(PLANE + 1, dtype=np.uint16)
    sets = [text for _, text in (*SINGLE, *RUNS)] + [text for _, *both in PAIRS for text in both]
    for bit, characters in enumerate(sets):
        table[list(map(ord, characters))] |= 1 << bit
    table[[2, 3, 4]] = 0  # the marks between turns; repair has seen to it that text holds none
    return table
