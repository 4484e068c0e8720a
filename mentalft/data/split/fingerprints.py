"""What tells dialogues apart or finds them alike: exact content, opening, and near-duplicate keys.

Near duplicates are found by MinHash (Broder 1997, "On the resemblance and containment of documents") over the character
3-grams of what was said, with letters and digits alone counted, and by locality-sensitive hashing in bands (Leskovec,
Rajaraman and Ullman, "Mining of Massive Datasets", section 3.4): two dialogues that share a band are taken for near
duplicates. With 16 bands of 8 rows a pair of Jaccard similarity 0.7 is found with probability 0.61, one of 0.8 with
0.95, one of 0.9 with more than 0.999; one of 0.5 is taken for a pair with 0.06.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from itertools import chain
from struct import Struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from mentalft.data.clean.screening import PLANE, Screened, screened
from mentalft.records import Dialogue

BANDS, ROWS = 16, 8
PACK = Struct(f"={BANDS * ROWS}I").pack
SHINGLE = 3
"""Characters; three Chinese characters say about as much as a word and a half."""
IGNORED = re.compile(r"[\W_]+")
GREETING = re.compile(
    r"(?:你好|您好|大家好|老师好|医生好|嗨|哈喽|哈啰|喂|hello|hi|hey|goodmorning|早上好|下午好|晚上好|在吗|在么|在不在|有人吗|"
    r"老师|医生|咨询师|请问|可以聊聊吗|能聊聊吗|谢谢|啊|呀|呢|吗|哦|嗯)*"
)
LONGEST_GREETING = 24
MARK = {"user": "\x02", "assistant": "\x03"}
END = "\x04"
"""Marks before each turn and after the last; they count as characters."""
U64 = NDArray[np.uint64]


class Keys(NamedTuple):
    """What dialogues are compared by, one row a dialogue."""

    content: U64  # (dialogues,) equal for exact duplicates
    opening: U64  # (dialogues,) of the first user turn that says something
    bands: U64  # (dialogues, BANDS)


def normalised(text: str) -> str:
    """Letters and digits alone, NFKC, lower case: what is left when layout and punctuation do not count."""
    return IGNORED.sub("", unicodedata.normalize("NFKC", text).lower())


def hashed(text: str) -> int:
    """64 bits of ``text`` (XXH3, whose values are fixed for good)."""
    return xxh3_64_intdigest(text.encode("utf-8"))


def marked_text(dialogue: Dialogue) -> str:
    """What was said, with marks; the system message aside."""
    return "".join([MARK[m.role] + m.content for m in dialogue.messages if m.role != "system"]) + END


def keys_of(dialogues: Sequence[Dialogue]) -> Keys:
    """The keys of ``dialogues``."""
    return keys_of_screened(screened([marked_text(d) for d in dialogues]))


def keys_of_screened(block: Screened) -> Keys:
    """The keys of a block of marked texts."""
    if not len(block.starts):
        return Keys(np.zeros(0, np.uint64), np.zeros(0, np.uint64), np.zeros((0, BANDS), np.uint64))
    folded = np.take(_folding(), block.points, mode="clip")  # nothing is out of range; saying so halves the time
    folded = np.compress(folded != 0, folded)
    ends = np.flatnonzero(folded == ord(END)) + 1
    starts = np.concatenate([[0], ends[:-1]])
    raw = folded.tobytes()
    spans = zip((2 * starts).tolist(), (2 * ends).tolist(), strict=True)
    content = np.array([xxh3_64_intdigest(raw[a:b]) for a, b in spans], dtype=np.uint64)
    opening = np.array(_openings(folded, raw, starts, ends), dtype=np.uint64)
    return Keys(content, opening, _bands(folded, starts, ends))


def _openings(folded: NDArray[np.uint16], raw: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> list[int]:
    """Of each dialogue, the first user turn that says something: a greeting alone does not open a conversation."""
    marks = np.flatnonzero(folded < 5)
    users = marks[folded[marks] == 2]
    first = np.searchsorted(users, starts)
    turn_starts = (users + 1).tolist()
    turn_ends = marks[np.minimum(np.searchsorted(marks, users + 1), len(marks) - 1)].tolist()
    found = []
    for at, end in zip(first.tolist(), ends.tolist(), strict=True):
        begins = at
        while True:
            start, stop = turn_starts[begins], turn_ends[begins]
            text = raw[2 * start : 2 * stop]
            if len(text) > 2 * LONGEST_GREETING or not GREETING.fullmatch(text.decode("utf-16-le")):
                break
            begins += 1
            if begins >= len(turn_starts) or turn_starts[begins] >= end:  # nothing but greetings
                text = raw[2 * turn_starts[at] : 2 * end]
                break
        found.append(xxh3_64_intdigest(text))
    return found


@cache
def _folding() -> NDArray[np.uint16]:
    """For each code point of the basic plane: the one that counts in its place, or 0."""
    table = np.arange(PLANE + 1, dtype=np.uint16)
    table[PLANE] = 0
    # but for Chinese characters and Korean syllables, which have no other form; they would double the time to start
    for point in chain(range(0x3400), range(0x4DC0, 0x4E00), range(0xA000, 0xAC00), range(0xD7A4, PLANE)):
        table[point] = 0
        if not 0xD800 <= point < 0xE000:
            text = normalised(chr(point))
            table[point] = ord(text) if len(text) == 1 and ord(text) < PLANE else point if text else 0
    table[[2, 3, 4]] = 2, 3, 4
    return table


def _bands(folded: NDArray[np.uint16], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> U64:
    import rensa

    points = folded.astype(np.uint32)
    shingles = np.zeros(len(points), dtype=np.uint32)
    with np.errstate(over="ignore"):
        found = shingles[:-2]
        np.multiply(points[:-2], np.uint32(0x9E3779B1), out=found)
        found += points[1:-1] * np.uint32(0x85EBCA77)
        found ^= found >> np.uint32(15)
        found += points[2:] * np.uint32(0xC2B2AE3D)
        found ^= found >> np.uint32(13)
    for back in range(1, SHINGLE):  # a shingle that reached over the end of a dialogue says again what its first says
        shingles[ends - back] = shingles[starts]
    offsets = [0, *ends.tolist()]
    matrix = rensa.RMinHash.digest_matrix_from_flat_token_hashes(shingles.astype(np.uint64), offsets, BANDS * ROWS, 1)
    packed = b"".join([PACK(*row) for row in matrix.to_rows()])
    rows = np.frombuffer(packed, dtype=np.uint32).astype(np.uint64).reshape(len(starts), BANDS, ROWS)
    keys = np.tile(np.arange(BANDS, dtype=np.uint64), (len(starts), 1))
    with np.errstate(over="ignore"):
        for row in range(ROWS):
            keys = mixed(keys * np.uint64(0x100000001B3) + rows[:, :, row])
    return keys


def mixed(values: U64) -> U64:
    """A bijection that spreads every bit (the finaliser of splitmix64, Steele, Lea and Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
