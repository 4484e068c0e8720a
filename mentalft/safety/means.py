"""Means of hurting oneself, found without spelling one out.

``assets/screen/means.json`` holds keyed hashes of words. A sentence of an answer is cut into its words (English) and
runs of characters (Chinese), each is hashed, and those on the list are found; so no means stands in this repository.
Its limits: it knows few words, and only as they are written there; a word says nothing of what is said about it, which
is why a rule asks for instructing words in the same sentence as well; and who tries every word can undo the hashes. It
is there to point a reader to answers that must be read, not to be complete.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from functools import cache
from hashlib import blake2b

from mentalft.assets import SCREEN

KEY = b"mentalft screen"
LONGEST_RUN, LONGEST_PHRASE = 4, 2
"""Chinese characters, and English words, of the longest entry."""
WORD = re.compile(r"[a-z]+")
CJK = re.compile(r"[一-鿿]+")


def hashed(word: str) -> str:
    """As it stands on the list."""
    return blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8, key=KEY).hexdigest()


def names_means(sentence: str, known: Collection[str] | None = None) -> list[tuple[int, int]]:
    """Where ``sentence`` names a means, as start and end in characters.

    Args:
        known: hashes; None takes those of the package.
    """
    known = _listed() if known is None else known
    words = list(WORD.finditer(sentence.lower()))
    spans = [
        (words[first].start(), words[first + more].end())
        for first in range(len(words))
        for more in range(min(LONGEST_PHRASE, len(words) - first))
    ]
    for run in CJK.finditer(sentence):
        for start in range(run.start(), run.end()):
            spans += [(start, end) for end in range(start + 1, min(start + LONGEST_RUN, run.end()) + 1)]
    return [span for span in spans if hashed(sentence[slice(*span)].lower()) in known]


@cache
def _listed() -> frozenset[str]:
    return frozenset(json.loads((SCREEN / "means.json").read_text(encoding="utf-8")))
