"""What a record of each format holds, as a dialogue; anything else is a reason to set it aside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mentalft.records import Dialogue, Message


class NotADialogue(ValueError):
    """A record that cannot be used; the message is the reason, for ``rejected.jsonl``."""


def from_messages(record: dict[str, Any], fallback_id: str) -> Dialogue:
    """SoulChatCorpus, PsyDTCorpus and ChatML: ``{"id", "topic", "messages": [{"role", "content"}]}``."""
    raw = record.get("messages")
    if not isinstance(raw, list):
        raise NotADialogue(f'"messages" must be a list, got {_kind(raw)}')
    messages = []
    for position, turn in enumerate(raw):
        if not isinstance(turn, dict):
            raise NotADialogue(f'messages[{position}] must be an object with "role" and "content", got {_kind(turn)}')
        if "role" not in turn or "content" not in turn:
            raise NotADialogue(f'messages[{position}] lacks "role" or "content"')
        messages.append(_message(turn["role"], turn["content"], f"messages[{position}]"))
    topic = record.get("topic", record.get("normalizedTag"))
    return _checked(record.get("id"), topic, messages, fallback_id)


def from_conversation(record: dict[str, Any], fallback_id: str) -> Dialogue:
    """EmoLLM: ``{"conversation": [{"system"?, "input", "output"}, …]}``; the system text is on the first turn."""
    raw = record.get("conversation")
    if not isinstance(raw, list):
        raise NotADialogue(f'"conversation" must be a list, got {_kind(raw)}')
    messages = []
    for position, turn in enumerate(raw):
        where = f"conversation[{position}]"
        if not isinstance(turn, dict):
            raise NotADialogue(f'{where} must be an object with "input" and "output", got {_kind(turn)}')
        if position == 0 and turn.get("system"):
            messages.append(_message("system", turn["system"], f"{where}.system"))
        messages.append(_message("user", turn.get("input"), f"{where}.input"))
        messages.append(_message("assistant", turn.get("output"), f"{where}.output"))
    return _checked(record.get("id"), record.get("topic"), messages, fallback_id)


READERS: dict[str, Callable[[dict[str, Any], str], Dialogue]] = {
    "soulchat": from_messages,
    "chatml": from_messages,
    "emollm": from_conversation,
}


def _message(role: Any, content: Any, where: str) -> Message:
    if role not in ("system", "user", "assistant"):
        raise NotADialogue(f"{where}: role must be system, user or assistant, got {_shown(role)}")
    if not isinstance(content, str):
        raise NotADialogue(f"{where}: content must be text, got {_kind(content)}")
    text = content.strip()
    if not text:
        raise NotADialogue(f"{where}: the {role} turn is empty")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise NotADialogue(f"{where}: the text is not valid Unicode (a broken character)") from None
    if "\x00" in text:
        raise NotADialogue(f"{where}: the text holds a NUL character")
    return Message(role, text)


def _checked(raw_id: Any, topic: Any, messages: list[Message], fallback_id: str) -> Dialogue:
    if not messages:
        raise NotADialogue("there are no messages")
    start = 1 if messages[0].role == "system" else 0
    for position, message in enumerate(messages[start:]):
        expected = ("user", "assistant")[position % 2]
        if message.role != expected:
            where = f"messages[{start + position}]"
            raise NotADialogue(f"{where}: expected a turn of the {expected}, got one of the {message.role}")
    if len(messages) == start:
        raise NotADialogue("there is a system message and nothing after it")
    if messages[-1].role != "assistant":
        raise NotADialogue("the last turn is not the assistant's, so there is nothing to learn or compare")
    known_id = (
        raw_id if isinstance(raw_id, str | int) and not isinstance(raw_id, bool) and str(raw_id).strip() else None
    )
    return Dialogue(
        id=_clean(str(known_id)) if known_id is not None else fallback_id,
        topic=_clean(topic) if isinstance(topic, str) and topic.strip() else None,
        messages=tuple(messages),
    )


def _clean(text: str) -> str:
    return text.strip().encode("utf-8", "replace").decode("utf-8")


def _kind(value: Any) -> str:
    names = {type(None): "null or nothing", bool: "true/false", int: "a number", float: "a number", str: "text"}
    return {list: "a list", dict: "an object", **names}.get(type(value), type(value).__name__)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
