"""Tokenizers of one vocabulary share what they have met, and nothing else."""

from __future__ import annotations

import ctypes
import gc
from itertools import product
from typing import Any

import pytest
from tokenizers import Tokenizer

from mentalft.assets import TINY_EMBEDDER, TINY_MODEL
from mentalft.modeling.vocabulary import share_vocabulary


class _Heap(ctypes.Structure):
    """``struct mallinfo2`` of glibc."""

    _fields_ = [(name, ctypes.c_size_t) for name in (*"abcdefg", "uordblks", "fordblks", "keepcost")]


def bytes_in_use() -> int:
    found = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if found is None:
        pytest.skip("the C library has no mallinfo2")
    found.restype = _Heap
    return int(found().uordblks)


def loaded(share: bool = True) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(TINY_MODEL / "tokenizer.json"))
    if share:
        share_vocabulary(tokenizer)
    return tokenizer


def test_each_tokenizer_that_is_loaded_adds_nothing() -> None:
    words = ["".join(letters) * 3 for letters in product("情绪低落睡不着觉", repeat=4)]

    def grown_after_reading() -> int:
        before = bytes_in_use()
        tokenizer = loaded()
        for word in words:
            tokenizer.encode(word)
        del tokenizer
        gc.collect()
        return bytes_in_use() - before

    first = grown_after_reading()
    assert first > 100_000
    assert max(grown_after_reading() for _ in range(3)) < first / 10


def test_only_the_vocabulary_is_shared() -> None:
    one, other, alone = loaded(), loaded(), loaded(share=False)
    one.enable_truncation(2)
    one.add_special_tokens(["<only here>"])
    text = "我最近总是睡不好<only here>"
    assert len(one.encode(text).ids) == 2
    assert other.encode(text).ids == alone.encode(text).ids


def test_another_vocabulary_stays_another() -> None:
    first, second = loaded(), Tokenizer.from_file(str(TINY_EMBEDDER / "tokenizer.json"))
    size = second.get_vocab_size()
    share_vocabulary(second)
    assert second.get_vocab_size() == size != first.get_vocab_size()


@pytest.mark.parametrize("what", [None, object()])
def test_what_has_no_vocabulary_is_left_alone(what: Any) -> None:
    share_vocabulary(what)
