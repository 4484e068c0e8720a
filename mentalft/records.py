"""What passes between the stages: plain, immutable records."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple


class Message(NamedTuple):
    role: str
    """``system``, ``user`` or ``assistant``."""
    content: str


@dataclass(frozen=True)
class Dialogue:
    """One conversation: an optional system message, then user and assistant in turn, ending with the assistant."""

    id: str
    topic: str | None
    messages: tuple[Message, ...]
    references: tuple[str, ...] = ()
    """Further good answers to the last turn, where the data has several."""

    def to_json(self) -> dict[str, Any]:
        """The ChatML record that the prepare stage writes, one a line."""
        record = {
            "id": self.id,
            "topic": self.topic,
            "messages": [{"role": m[0], "content": m[1]} for m in self.messages],
        }
        return {**record, "references": list(self.references)} if self.references else record

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Dialogue:
        """The inverse of :meth:`to_json`, for files that mentalft wrote itself."""
        messages = tuple(Message(m["role"], m["content"]) for m in record["messages"])
        return cls(record["id"], record["topic"], messages, tuple(record.get("references", ())))


@dataclass(frozen=True)
class Rejected:
    """A record that was set aside, and why."""

    file: str
    record: int
    """Counted from 1, in the order of the file."""
    reason: str
    field: str | None = None
    """Where in the record, if it is one place."""
    offset: int | None = None
    """Of the record in the file, in bytes, where its text could not be parsed."""

    def in_words(self) -> str:
        """File, record, field and reason on one line; record 0 is the file as a whole."""
        record = f", record {self.record}" if self.record else ""
        field = f'"{self.field}" ' if self.field else ""
        return f"{self.file}{record}: {field}{self.reason}"


class Splits(NamedTuple):
    """The ChatML JSONL files that the prepare stage wrote; no dialogue is in two of them."""

    train: Path
    validation: Path
    test: Path


@dataclass(frozen=True)
class Item:
    """One thing to ask: a history that ends with the user, and what a good answer may be."""

    id: str
    dialogue_id: str
    topic: str | None
    messages: tuple[Message, ...]
    references: tuple[str, ...]


class Prompt(NamedTuple):
    """An item as the model is asked it."""

    id: str
    sha256: str
    """Of the tokens; of the messages where a server makes tokens of them."""
    tokens: list[int]
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True)
class Response:
    """One answer."""

    id: str
    prompt_sha256: str
    text: str
    finish_reason: str
    """``stop`` (the model ended its turn) or ``length`` (cut at ``max_new_tokens``)."""
    tokens: int
    """New tokens, the end-of-turn token among them."""

    def to_json(self) -> dict[str, Any]:
        return dict(self.__dict__)


class Interval(NamedTuple):
    low: float
    high: float


@dataclass(frozen=True)
class MetricComparison:
    """One metric on the same items, base against tuned."""

    metric: str
    signature: str
    base: float
    tuned: float
    difference: float
    """``tuned - base``, the mean of per-item differences."""
    interval: Interval
    """Confidence interval of the difference."""
    wins: int
    ties: int
    losses: int

    @property
    def verdict(self) -> str:
        if self.interval.low > 0:
            return "better"
        if self.interval.high < 0:
            return "worse"
        return "no evidence of a difference"


@dataclass(frozen=True)
class Comparison:
    """The result of an experiment."""

    items: int
    dialogues: int
    confidence: float
    metrics: tuple[MetricComparison, ...]
    decoding: str
    responses: dict[str, dict[str, float]]
    """For ``base`` and ``tuned``: mean length and the shares of empty and cut answers."""
    overlap: str | None = None
    """How much of what was asked is in the train split, as the prepare stage found it."""
