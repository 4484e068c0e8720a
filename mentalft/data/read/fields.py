"""What the fields of a record are called: one table for every container, of data, of questions and of answers.

A field that is found under none of these names is not read, and is counted by its name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

ROLES = {
    "system": ("system", "系统"),
    "user": (
        "user", "human", "client", "seeker", "patient", "usr", "speaker", "questioner", "来访者", "求助者", "用户",
        "咨询者", "患者", "访客", "来访", "求助", "问",
    ),
    "assistant": (
        "assistant", "gpt", "counselor", "counsellor", "therapist", "supporter", "bot", "model", "ai", "chatbot",
        "listener", "psychologist", "doctor", "心理咨询师", "咨询师", "支持者", "助手", "心理师", "倾听者", "医生",
        "治疗师", "心理医生", "答",
    ),
}  # fmt: skip
ROLE_OF = {name: role for role, names in ROLES.items() for name in names}
NOT_COLUMNS = ("speaker", "model", "ai", "bot", "usr")
"""Roles whose name says something else at the head of a column."""
_SPOKEN = {role: tuple(n for n in ROLES[role] if n not in NOT_COLUMNS) for role in ("user", "assistant")}

_EXCHANGE = {
    "system": ("system", "systemprompt", "systemmessage", "系统", "系统提示", "系统提示词"),
    "instruction": ("instruction", "指令"),
    "title": ("questiontitle", "title", "标题"),
    "question": (
        "question", "questiontext", "context", "prompt", "query", "input", "问题", "提问", "q", *_SPOKEN["user"],
    ),
    "description": ("description", "questiondescription", "描述", "问题描述"),
    "answer": (
        "chosen", "answer", "answertext", "response", "output", "completion", "reply", "回答", "答案", "回复",
        "a", *_SPOKEN["assistant"],
    ),
}  # fmt: skip
RECORD = {
    **_EXCHANGE,
    "turns": ("messages", "conversation", "conversations", "dialog", "dialogue", "dialogs", "turns", "对话", "text"),
    "history": ("history", "历史", "历史对话"),
    "references": ("references", "answers"),
    "label": ("label", "ktotag"),
    "topic": (
        "topic", "topics", "normalizedtag", "problemtype", "theme", "category", "主题", "话题", "类别", "分类", "标签",
        "keywords", "关键词",
    ),
    "id": ("id", "questionid", "conversationid", "uid", "idx", "编号", "序号"),
}  # fmt: skip
TURN = {
    **_EXCHANGE,
    "role": ("role", "from", "speaker", "角色"),
    "content": ("content", "value", "text", "utterance", "内容"),
    "learnt": ("loss", "weight", "train"),
    "calls": ("toolcalls", "functioncall"),
}
ASKED = {
    **RECORD,
    "turns": tuple(name for name in RECORD["turns"] if name != "text"),
    "answer": ("predict", "prediction", "predictions", "filteredresps", "resps", *RECORD["answer"], "text"),
    "references": (*RECORD["references"], "labels", "label", "target", "targets", "reference"),
    "label": (),
    "prompts": ("arguments",),
    "doc": ("doc",),
    "cluster": ("dialogueid",),
    "contenders": ("answers",),
}
"""Files of questions and of answers, those of LLaMA-Factory, ms-swift and lm-eval among them."""
SCOPES = {"record": RECORD, "turn": TURN, "asked": ASKED}
PARTS = ("question", "answer", "title", "system", "topic", "id", "instruction", "description", "history", "turns")
"""What ``data.columns`` may name."""
NO_TEXT = ("", "nan", "none", "null", "n/a", "na", "<na>", "#n/a")
"""Cells, in lower case, that stand for nothing."""
Columns = tuple[tuple[str, str], ...]
"""``data.columns`` as (part, name)."""


class Fields:
    """The fields of one record, by what they mean. What was not taken can be told.

    Args:
        scope: whose names these are, a key of :data:`SCOPES`.
        columns: names that stand for a part in place of the usual ones.
    """

    def __init__(self, record: Mapping[str, Any], scope: str = "record", columns: Columns = ()) -> None:
        self.record, self.layout = record, _layout(tuple(record), scope, columns)
        self.taken: set[str] = set()

    def name(self, part: str) -> str | None:
        """The first field that holds ``part`` and is not empty."""
        return next((name for name in self.layout.get(part, ()) if not is_empty(self.record[name])), None)

    def take(self, part: str) -> Any:
        """What the record has of ``part``; None where it has nothing, or something that stands for nothing."""
        name = self.name(part)
        if name is None:
            return None
        self.taken.add(name)
        return self.record[name]

    def left(self) -> list[str]:
        """The fields that hold something and were not taken."""
        if len(self.taken) == len(self.record):
            return []
        return [name for name, value in self.record.items() if name not in self.taken and not is_empty(value)]


@lru_cache(maxsize=4096)
def _layout(keys: tuple[str, ...], scope: str, columns: Columns) -> dict[str, tuple[str, ...]]:
    """Part → the keys that may hold it, the likeliest first; parts that none may hold are left out."""
    named = dict(columns)
    by_name: dict[str, list[str]] = {}
    for key in keys:
        if key not in named.values():
            by_name.setdefault(plain_name(key), []).append(key)
    found = {
        part: tuple(key for name in names for key in by_name.get(name, ())) for part, names in SCOPES[scope].items()
    }
    if {"question", "answer"} <= named.keys():
        found["turns"] = ()
    return {part: some for part, some in {**found, **{p: (n,) for p, n in named.items() if n in keys}}.items() if some}


def role_of(raw: object) -> str | None:
    """``system``, ``user`` or ``assistant`` for what a speaker is called; None for a name that is not known."""
    return ROLE_OF.get(raw.strip().lower()) if isinstance(raw, str) else None


def plain_name(key: object) -> str:
    """``key`` as the table above has it."""
    return re.sub(r"[\s_-]", "", str(key)).lower()


def is_empty(value: Any) -> bool:
    """Whether a field holds nothing: null, NaN, an empty list, or text that stands for nothing."""
    if isinstance(value, str):
        return (len(value) <= 8 and value.strip().lower() in NO_TEXT) or not value.strip()
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or (not value and isinstance(value, list | dict))
