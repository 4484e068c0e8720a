"""What is mended in a record, by rule and counted; what cannot be mended is a reason to set it aside.

Reasoning blocks are taken out of answers first, where that is wanted.
The rules, in order: roles are mapped to system, user and assistant; text is cleaned (NFC, no control characters, lone
surrogates or byte-order marks, Unix line ends); empty turns are removed; a system message stands first or not at all;
neighbours of one role become one turn; leading assistant turns are dropped (or kept); trailing user turns are dropped.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import Any

from mentalft.data.read.forms import Draft, NotADialogue, kind
from mentalft.data.thinking import apart
from mentalft.records import Dialogue, Message

ROLES = {
    "system": ("system",),
    "user": (
        "user", "human", "client", "seeker", "patient", "usr", "speaker", "questioner", "来访者", "求助者", "用户",
        "咨询者", "患者", "访客",
    ),
    "assistant": (
        "assistant", "gpt", "counselor", "counsellor", "therapist", "supporter", "bot", "model", "ai", "chatbot",
        "listener", "psychologist", "doctor", "心理咨询师", "咨询师", "支持者", "助手", "心理师", "倾听者",
    ),
}  # fmt: skip
ROLE_OF = {name: role for role, names in ROLES.items() for name in names}
LONGEST_ROLE = 24
"""Characters; what is longer and not known is no name of a role, and is not shown."""
UNWANTED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060\ud800-\udfff\ufeff\ufffe\uffff]"
)
"""What carries no text; marks of zero width among it, which would hide a telephone number."""
LINE_END = re.compile("\r\n?|[\u2028\u2029]")
RESIDUE = ("题主", "楼主", "答主", "公众号", "扫码", "点赞", "关注我", "私信我", "壹心理", "知乎")
"""Words of the platforms that question-and-answer corpora were taken from."""
PLACEHOLDERS = (
    "lorem ipsum", "Lorem ipsum", "TODO", "TBD", "N/A", "XXX", "xxx", "[图片]", "[表情]", "[语音]", "[视频]", "[链接]",
)  # fmt: skip
REMARKABLE = re.compile("|".join(map(re.escape, (*RESIDUE, *PLACEHOLDERS))))


def repaired(draft: Draft, done: Counter[str], *, keep_leading_assistant: bool) -> Dialogue:
    """``draft`` as a dialogue that alternates user and assistant; each rule that was needed adds one to ``done``.

    The dialogue's id is empty where the record has none.

    Raises:
        NotADialogue: an unknown role, a turn that is no text, or nothing left that could be learned from.
    """
    used: set[str] = set()
    turns = _merged(_clean_turns(draft, used), used)
    system = turns[:1] if turns and turns[0].role == "system" else []
    spoken = turns[len(system) :]
    if spoken and spoken[0].role == "assistant" and not keep_leading_assistant:
        used.add("leading assistant turn dropped")
        spoken = spoken[1:]
    while spoken and spoken[-1].role == "user":
        used.add("trailing user turn dropped")
        spoken = spoken[:-1]
    if sum(m.role == "user" for m in spoken) == 0:
        raise NotADialogue("no exchange of user and assistant is left" if draft.turns else "there are no messages")
    references = tuple(clean for r in draft.references if (clean := cleaned(r, used)))
    for rule in used:
        done[rule] += 1
    return Dialogue(_text(draft.id, used), _text(draft.topic, used) or None, (*system, *spoken), references)


def thought_out(draft: Draft, counts: dict[str, Counter[str]], *, strip: bool) -> Draft:
    """``draft``, its answers without reasoning blocks where that is wanted; a record that has some is counted."""

    def plain(role: object, content: Any) -> Any:
        if not isinstance(content, str) or ROLE_OF.get(str(role).strip().lower()) != "assistant":
            return content
        found = apart(content)
        return content if found.thinking is None else found.answer

    turns = [(role, plain(role, content)) for role, content in draft.turns]
    references = tuple(plain("assistant", reference) for reference in draft.references)
    if turns == draft.turns and references == draft.references:
        return draft
    if not strip:
        counts["remarks"]["reasoning block in an answer"] += 1
        return draft
    counts["repaired"]["reasoning block removed"] += 1
    return draft._replace(turns=turns, references=references, objects=None)


def _clean_turns(draft: Draft, used: set[str]) -> list[Message]:
    turns: list[Message] = []
    for position, (raw_role, content) in enumerate(draft.turns):
        role = raw_role if raw_role in ("user", "assistant") else _role(raw_role, draft, position, used)
        if not isinstance(content, str):
            raise NotADialogue(f"must be text, got {kind(content)}", f"{draft.where.format(position)}.content")
        text = cleaned(content, used)
        if not text:
            used.add("empty turn removed")
        elif role == "system" and turns and turns[-1].role != "system":
            used.add("later system message dropped")
        else:
            turns.append(Message(role, text))
    return turns


def _role(raw: object, draft: Draft, position: int, used: set[str]) -> str:
    role = ROLE_OF.get(raw.strip().lower()) if isinstance(raw, str) else None
    if role is None:
        shown = repr(raw) if isinstance(raw, str) and len(raw) <= LONGEST_ROLE else kind(raw)
        field = f"{draft.where.format(position)}.role"
        raise NotADialogue(f"role must be one of those known (user, assistant, client, …), got {shown}", field)
    if role != raw:
        used.add("role mapped")
    return role


def _merged(turns: list[Message], used: set[str]) -> list[Message]:
    merged: list[Message] = []
    for turn in turns:
        if merged and merged[-1].role == turn.role:
            merged[-1] = Message(turn.role, f"{merged[-1].content}\n{turn.content}")
            used.add("neighbours of one role merged")
        else:
            merged.append(turn)
    return merged


def cleaned(text: str, used: set[str]) -> str:
    """``text`` in NFC, without characters that carry no text, without white space around it."""
    if not text.isprintable():
        if "\r" in text or "\u2028" in text or "\u2029" in text:
            text = LINE_END.sub("\n", text)
            used.add("line ends made \\n")
        if UNWANTED.search(text):
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")  # halves that make a pair, join
            text = UNWANTED.sub("", text)
            used.add("control characters and broken characters removed")
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
        used.add("made NFC")
    return text.strip()


def _text(value: object, used: set[str]) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return cleaned(str(value), used)


def remarks(text: str) -> set[str]:
    """What is reported but not changed: placeholder text, and words of the platform a text was taken from."""
    found = REMARKABLE.findall(text)
    return {f"platform residue: {word}" if word in RESIDUE else "placeholder text" for word in found}
