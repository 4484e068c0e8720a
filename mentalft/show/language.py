"""In which language a run is shown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from mentalft.metrics.registry import titled
from mentalft.records import Comparison
from mentalft.words import Language, Said, told

ASKED = ("auto", "zh", "en")
HTML_LANGUAGE = {"en": "en", "zh": "zh-CN"}
STOP = {"en": ".", "zh": "。"}
_CJK = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
CJK_SHARE = 0.3
"""Share of a text's letters from which on it is Chinese with words of another script in it."""


def language_for(asked: str, references: Iterable[str]) -> Language:
    """The report's: ``asked`` itself, or for ``auto`` Chinese where more than half of the references are."""
    if asked in ("zh", "en"):
        return "zh" if asked == "zh" else "en"
    found = [_is_chinese(text) for text in references]
    return "zh" if sum(found) * 2 > len(found) else "en"


def tables_language(asked: str) -> Language:
    """The terminal's and ``comparison.md``'s: English unless Chinese is asked for by name."""
    return "zh" if asked == "zh" else "en"


def in_language(comparison: Comparison, language: Language) -> Comparison:
    """``comparison`` with its metrics under the titles of a language."""
    unseen = comparison.unseen and in_language(comparison.unseen, language)
    return replace(comparison, metrics=titled(comparison.metrics, language), unseen=unseen)


def sentence(said: Said | str, language: Language) -> str:
    """``said`` with a capital at its beginning and a full stop at its end."""
    text = told(said, language)
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "。", "!", "?", "！", "？")) else STOP[language])


def _is_chinese(text: str) -> bool:
    letters = sum(map(str.isalpha, text))
    return letters > 0 and len(_CJK.findall(text)) >= CJK_SHARE * letters
