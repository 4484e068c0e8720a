"""One vocabulary in memory for all tokenizers of a process that have the same.

``tokenizers`` keeps the words that a byte-pair model has met, megabytes of them, for as long as the thread lives, also
when the tokenizer is gone; a sweep loads some for every trial.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

_seen: dict[bytes, Any] = {}


def share_vocabulary(tokenizer: Any) -> None:
    """Give ``tokenizer`` the model (vocabulary, merges and what it has met) of an earlier one that is equal.

    Truncation, padding, template and special tokens stay its own. What is not of ``tokenizers`` is left alone.

    Args:
        tokenizer: of ``transformers``, or a ``tokenizers.Tokenizer``.
    """
    from tokenizers import Tokenizer

    backend = getattr(tokenizer, "backend_tokenizer", tokenizer)
    if isinstance(backend, Tokenizer):
        backend.model = _seen.setdefault(sha256(backend.model.__getstate__()).digest(), backend.model)
