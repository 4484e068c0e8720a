"""Tokenizers by name, and which of them suits the language of the references.

What a token is decides every n-gram score, so a tokenizer carries a signature with the version of its library.
Tokens are kept for a while: metrics that cut the same text with the same tokenizer cut it once.
"""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from importlib.metadata import version
from sys import intern
from typing import Any, Literal, NamedTuple

from mentalft.files import default_cache_dir

Language = Literal["zh", "en"]
TEXTS_KEPT = 2**16
"""Texts whose tokens are remembered, by tokenizer."""
CJK_SHARE = 0.1
"""From this share of CJK letters on, texts count as Chinese: jieba cuts English too, 13a does not cut Chinese."""

_CJK = r"\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_CJK += r"\U00020000-\U000323af"
CJK = re.compile(f"[{_CJK}]")
"""One Chinese character or kana."""
_ASCII_FORMS = {0xFEE0 + code: code for code in range(0x21, 0x7F) if chr(code).isalnum()}
"""Full-width digits and letters."""
ASCII = "-ascii"
"""What a signature says where those count as their ASCII forms."""
_CHARACTER_TOKENS = re.compile(rf"[{_CJK}]|[^\W{_CJK}]+|\S")


class Tokenizer(NamedTuple):
    name: str
    signature: str
    tokens: Callable[[str], tuple[str, ...]]


def tokenizer(name: str) -> Tokenizer:
    """The tokenizer of that name.

    - ``jieba``: jieba's default-mode words, without those that are white space.
    - ``char``: each CJK character alone, letters and digits in runs, anything else alone; needs no dictionary.
    - ``13a``: sacrebleu's ``mteval-v13a`` tokens, for languages that put spaces between words.

    In every tokenizer for Chinese, full-width digits and letters count as their ASCII forms.

    The others exist to reproduce published figures:

    - ``jieba_raw``: what ``jieba.cut`` returns, white space kept (the reference case).
    - ``jieba_stripped``: jieba's words without spaces at their ends, line breaks kept (ms-swift).
    - ``jieba_joined``: jieba's words of the text without its spaces (EmoLLM).
    - ``char_raw``: every character of the text, white space too (LLaMA-Factory).
    - ``rouge_score``: runs of ASCII letters and digits, stemmed; what ``rouge_score`` uses by default.

    Raises:
        KeyError: there is none of that name.
    """
    library = _LIBRARY[name]
    parts = (name, f"-{version(library)}" if library else "", "" if name in NOT_CHINESE else ASCII)
    return Tokenizer(name, "".join(parts), _TOKENS[name])


def chosen(name: str, language: Language) -> Tokenizer:
    """The tokenizer called ``name``; ``auto`` is jieba for Chinese and 13a for English."""
    return tokenizer({"zh": "jieba", "en": "13a"}[language] if name == "auto" else name)


def language_of(references: Iterable[Sequence[str]]) -> Language:
    """``zh`` where at least a tenth of the references' letters are CJK (or there are no letters), else ``en``."""
    text = "".join(ref for refs in references for ref in refs)
    letters = sum(map(str.isalpha, text))
    return "en" if letters and len(CJK.findall(text)) < CJK_SHARE * letters else "zh"


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


def _remembered(cut: Callable[[str], Iterable[str]]) -> Callable[[str], tuple[str, ...]]:
    @lru_cache(TEXTS_KEPT)
    def tokens(text: str) -> tuple[str, ...]:
        return tuple(map(intern, cut(text)))  # one object a word, else remembering costs kilobytes a text

    return tokens


def in_ascii(text: str) -> str:
    """``text`` with full-width digits and letters (as Chinese input methods give them) in their ASCII forms."""
    return text.translate(_ASCII_FORMS)


@_remembered
def _jieba_raw(text: str) -> Iterable[str]:
    return _jieba().cut(in_ascii(text))  # type: ignore[no-any-return]


@_remembered
def _jieba_words(text: str) -> Iterable[str]:
    return (word for word in _jieba_raw(text) if not word.isspace())


@_remembered
def _jieba_stripped(text: str) -> Iterable[str]:
    return (stripped for word in _jieba_raw(text) if (stripped := word.strip(" ")))


@_remembered
def _jieba_joined(text: str) -> Iterable[str]:
    return _jieba().cut(in_ascii(text.replace(" ", "")))  # type: ignore[no-any-return]


@_remembered
def _13a(text: str) -> Iterable[str]:
    return _sacrebleu_13a()(text.rstrip()).split()  # type: ignore[no-any-return]


@cache
def _sacrebleu_13a() -> Any:
    from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

    return Tokenizer13a()


@_remembered
def _rouge_score(text: str) -> Iterable[str]:
    return _rouge_score_default().tokenize(text)  # type: ignore[no-any-return]


@cache
def _rouge_score_default() -> Any:
    from rouge_score.tokenizers import DefaultTokenizer

    return DefaultTokenizer(use_stemmer=True)


_TOKENS: dict[str, Callable[[str], tuple[str, ...]]] = {
    "jieba": _jieba_words,
    "char": _remembered(lambda text: _CHARACTER_TOKENS.findall(in_ascii(text))),
    "13a": _13a,
    "jieba_raw": _jieba_raw,
    "jieba_stripped": _jieba_stripped,
    "jieba_joined": _jieba_joined,
    "char_raw": lambda text: tuple(in_ascii(text)),
    "rouge_score": _rouge_score,
}
NOT_CHINESE = ("13a", "rouge_score")
_LIBRARY = {
    **dict.fromkeys(("jieba", "jieba_raw", "jieba_stripped", "jieba_joined"), "jieba"),
    **dict.fromkeys(("char", "char_raw"), None),
    "13a": "sacrebleu",
    "rouge_score": "rouge_score",
}
