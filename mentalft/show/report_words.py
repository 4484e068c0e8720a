"""The labels of ``report.html``: ``templates/report_words.json``, both languages side by side."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Literal

Language = Literal["zh", "en"]
ASKED = ("auto", "zh", "en")
HTML_LANGUAGE = {"en": "en", "zh": "zh-CN"}
_CJK = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
CJK_SHARE = 0.3
"""Share of a text's letters from which on it is Chinese with words of another script in it."""


@cache
def words(language: Language) -> dict[str, str]:
    """Every label in that language."""
    text = (resources.files("mentalft.show") / "templates" / "report_words.json").read_text(encoding="utf-8")
    return {key: both[language] for key, both in json.loads(text).items()}


def language_for(asked: str, references: Iterable[str]) -> Language:
    """``asked`` itself, or for ``auto`` Chinese where more than half of the references are."""
    if asked in ("zh", "en"):
        return "zh" if asked == "zh" else "en"
    found = [_is_chinese(text) for text in references]
    return "zh" if sum(found) * 2 > len(found) else "en"


def _is_chinese(text: str) -> bool:
    letters = sum(map(str.isalpha, text))
    return letters > 0 and len(_CJK.findall(text)) >= CJK_SHARE * letters
