"""Words of Chinese and mixed text, as jieba cuts them."""

from __future__ import annotations

import contextlib
import logging
import re
from functools import cache
from importlib.metadata import version
from typing import Any

from mentalft.files import default_cache_dir

SIGNATURE = f"jieba-{version('jieba')}"


@cache
def _jieba() -> Any:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jieba

    jieba.setLogLevel(logging.CRITICAL)  # it prints a traceback where it cannot keep its table, and goes on
    with contextlib.suppress(OSError):
        default_cache_dir().mkdir(parents=True, exist_ok=True)
        jieba.dt.tmp_dir = str(default_cache_dir())  # else it leaves its table in the shared temporary folder
    return jieba


def words(text: str) -> list[str]:
    """jieba's default-mode words of ``text``, without those that are white space."""
    return [word for word in _jieba().cut(text) if not word.isspace()]


def words_and_no_punctuation(text: str) -> list[str]:
    """Lower-cased words that hold a letter or a digit of any script; what ROUGE counts."""
    return [word.lower() for word in words(text) if re.search(r"\w", word)]
