"""Chinese for the sentences that a run itself writes in English; those of another form stay as they are."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mentalft.show.report_words import Language

Forms = Sequence[tuple[str, str]]
NO_TOPICS: Forms = (
    (r"no item has a topic", "没有条目标有话题"),
    (r"all items are of one topic", "所有条目同属一个话题"),
    (r"no topic has at least (\d+) dialogues", r"没有话题达到 \1 段对话"),
)
OVERLAP: Forms = (
    (
        r"none of the test split, which shares no opening and no near duplicate with it",
        "测试集没有重合，与训练集没有相同的开头，也没有近似重复",
    ),
    (r"(\d+) of (\d+) items of question bank", r"题库 \2 条中有 \1 条"),
    (r"(\d+) of (\d+) items of (.+)", r"\3 的 \2 条中有 \1 条"),
)
EVIDENCE: Forms = (
    (r"no text", "没有文字"),
    (r"repeats the whole turn: (.*)", r"复述整句：\1"),
    (r"repeats most of the turn: (.*)", r"复述大半：\1"),
    (r"most of the answer is the user's: (.*)", r"回答大半是来访者的话：\1"),
    (r"(\d+) times (\w)", r"“\2”连续 \1 次"),
    (r"(\d+) times in a row: (.*)", r"连续 \1 次：\2"),
    (r"(\d+) times: (.*)", r"出现 \1 次：\2"),
    (r"(\d+) different of (\d+) runs of four: (.*)", r"\2 个四元组中只有 \1 个不同：\3"),
    (r"(\d+) of (\d+) units: (.*)", r"\2 个字词中有 \1 个：\3"),
)
"""What :mod:`mentalft.metrics.integrity_rules` says of a flag, where it is more than a quotation of the answer."""


def told(text: str, forms: Forms, language: Language) -> str:
    """``text`` in Chinese where the page is and the text has one of ``forms``; else as it is."""
    if language == "zh":
        for form, chinese in forms:
            if found := re.fullmatch(form, text, re.DOTALL):
                return found.expand(chinese)
    return text


def overlap_told(text: str, language: Language) -> str:
    """The parts of the overlap line, each by itself; all of it stays English where one part is not known."""
    parts = text.split("; ")
    found = [told(part, OVERLAP, language) for part in parts]
    return text if any(a == b for a, b in zip(parts, found, strict=True)) else "；".join(found)
