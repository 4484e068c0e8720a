"""Words of Chinese and mixed text, as jieba cuts them."""

from __future__ import annotations

import logging
import re
from functools import cache
from importlib.metadata import version
from typing import Any

SIGNATURE = f"jieba-{version('jieba')}"


@cache
def _jieba() -> Any:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jieba

    jieba.setLogLevel(logging.WARNING)
    return jieba


def words(text: str) -> list[str]:
    """jieba's default-mode words of ``text``, without those that are white space."""
    return [word for word in _jieba().cut(text) if not word.isspace()]


def words_and_no_punctuation(text: str) -> list[str]:
    """Lower-cased words that hold a letter or a digit of any script; what ROUGE counts."""
    return [word.lower() for word in words(text) if re.search(r"\w", word)]
