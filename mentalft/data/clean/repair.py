"""What is mended in a record, by rule and counted; what cannot be mended is a reason to set it aside.

Reasoning blocks are taken out of answers first, where that is wanted.
The rules, in order: roles are mapped to system, user and assistant; text is cleaned (no HTML or embedded files, NFC, no
control characters, lone surrogates or byte-order marks, Unix line ends); empty turns are removed; a system message
stands first or not at all; neighbours of one role become one turn; leading assistant turns are dropped (or kept);
trailing user turns are dropped.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import Any

from mentalft.data.clean.markup import plain_text, without_blobs
from mentalft.data.read.fields import role_of
from mentalft.data.read.forms import Draft, NotADialogue, kind
from mentalft.data.thinking import apart
from mentalft.records import Dialogue, Message

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


def repaired(
    draft: Draft, done: Counter[str], *, keep_leading_assistant: bool, keep_html: bool = False
) -> Dialogue:  # fmt: skip
    """``draft`` as a dialogue that alternates user and assistant; each rule that was needed adds one to ``done``.

    The dialogue's id is empty where the record has none.

    Raises:
        NotADialogue: an unknown role, a turn that is no text, or nothing left that could be learned from.
    """
    used: set[str] = set()
    turns = _clean_turns(draft, used, keep_html)
    system = turns[:1] if turns and turns[0].role == "system" else []
    spoken = turns[len(system) :]
    if spoken and spoken[0].role == "assistant" and not keep_leading_assistant:
        used.add("leading assistant turn dropped")
        spoken = spoken[1:]
    if spoken and spoken[-1].role == "user":
        used.add("trailing user turn dropped")
        spoken = spoken[:-1]
    if not any(m.role == "user" for m in spoken):
        raise NotADialogue("no exchange of user and assistant is left" if draft.turns else "there are no messages")
    answers = [m for m in spoken if m.role == "assistant"]
    if not any(m.learnt for m in answers):
        raise NotADialogue("no answer is to be learnt from: each has loss, weight or train 0")
    if not all(m.learnt for m in answers):
        used.add("answers shown and not learnt from")
    references = tuple(clean for r in draft.references if (clean := cleaned(r, used, keep_html)))
    for rule in used:
        done[rule] += 1
    return Dialogue(_text(draft.id, used), _text(draft.topic, used, keep_html) or None, (*system, *spoken), references)


def thought_out(draft: Draft, counts: dict[str, Counter[str]], *, strip: bool) -> Draft:
    """``draft``, its answers without reasoning blocks where that is wanted; a record that has some is counted."""

    def plain(role: object, content: Any) -> Any:
        if not isinstance(content, str) or role_of(role) != "assistant":
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
    return draft._replace(turns=turns, references=references)


def _clean_turns(draft: Draft, used: set[str], keep_html: bool) -> list[Message]:
    turns: list[Message] = []
    last = None
    for position, (raw_role, content) in enumerate(draft.turns):
        role = raw_role if raw_role in ("user", "assistant") else _role(raw_role, draft, position, used)
        if not isinstance(content, str):
            raise NotADialogue(f"must be text, got {kind(content)}", f"{draft.place(position)}.content")
        text = cleaned(content, used, keep_html)
        learnt = role != "assistant" or position not in draft.unlearnt
        if not text:
            used.add("empty turn removed")
        elif role == last:
            if role != "system" or text != turns[-1].content:
                turns[-1] = Message(role, f"{turns[-1].content}\n{text}", turns[-1].learnt and learnt)
                used.add("neighbours of one role merged")
        elif role == "system" and turns:
            used.add("later system message dropped")
        else:
            turns.append(Message(role, text, learnt))
            last = role
    return turns


def _role(raw: object, draft: Draft, position: int, used: set[str]) -> str:
    role = role_of(raw)
    if role is None:
        shown = repr(raw) if isinstance(raw, str) and len(raw) <= LONGEST_ROLE else kind(raw)
        field = f"{draft.place(position)}.role"
        raise NotADialogue(f"role must be one of those known (user, assistant, client, …), got {shown}", field)
    if role != raw:
        used.add("role mapped")
    return role


def cleaned(text: str, used: set[str], keep_html: bool = False) -> str:
    """``text`` in NFC, without HTML, embedded files, characters that carry no text, and white space around it."""
    if (smaller := without_blobs(text)) != text:
        text = smaller
        used.add("embedded files removed")
    if not keep_html and ("<" in text or "&" in text) and (plain := plain_text(text)) != text:
        text = plain
        used.add("HTML made plain text")
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


def _text(value: object, used: set[str], keep_html: bool = True) -> str:
    if type(value) is int:
        return str(value)
    return cleaned(value, used, keep_html) if isinstance(value, str) else ""


def remarks(text: str) -> set[str]:
    """What is reported but not changed: placeholder text, and words of the platform a text was taken from."""
    found = REMARKABLE.findall(text)
    return {f"platform residue: {word}" if word in RESIDUE else "placeholder text" for word in found}
