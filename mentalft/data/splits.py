"""Which dialogue goes to training, validation or test: by content, so that nothing is in two of them."""

from __future__ import annotations

import hashlib
import re
import unicodedata

from mentalft.records import Dialogue

SPLITS = ("train", "validation", "test")
IGNORED = re.compile(r"[\W_]+")


def normalised(text: str) -> str:
    """Letters and digits alone, NFKC, lower case: what is left when layout and punctuation do not count."""
    return IGNORED.sub("", unicodedata.normalize("NFKC", text).lower())


def group_key(dialogue: Dialogue) -> str:
    """Dialogues that open with the same user turn belong together, whatever follows."""
    opening = next(m.content for m in dialogue.messages if m.role == "user")
    return normalised(opening) or opening


def content_key(dialogue: Dialogue) -> bytes:
    """Equal for exact duplicates: the same turns after normalisation, system message aside."""
    turns = "\x1f".join(f"{m.role}\x1e{normalised(m.content)}" for m in dialogue.messages if m.role != "system")
    return hashlib.blake2b(turns.encode("utf-8"), digest_size=16).digest()


def split_of(dialogue: Dialogue, validation_fraction: float, test_fraction: float, seed: int) -> str:
    """The split of ``dialogue``: a function of its opening and the seed alone.

    A dialogue therefore keeps its split when others are added or removed, and sizes are the given
    fractions up to sampling error.

    Args:
        validation_fraction, test_fraction: shares between 0 and 1, summing to less than 1.
    """
    digest = hashlib.blake2b(f"{seed}\x1f{group_key(dialogue)}".encode(), digest_size=8).digest()
    position = int.from_bytes(digest, "big") / 2**64
    if position < test_fraction:
        return "test"
    return "validation" if position < test_fraction + validation_fraction else "train"
