"""What the forgetting stage stores: what was asked, what each contender made of it, and what follows from that."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mentalft.records import Interval
from mentalft.runs.files import JsonFile, JsonLinesFile

STAGE = "forgetting"
ALL = "all"
"""The part that all parts are together."""


@dataclass(frozen=True)
class ProbeItem:
    """One thing that is asked, and when an answer is right."""

    id: str
    part: str
    prompt: str
    """Before the chat template."""
    form: str
    """``choice``, or a name of :mod:`mentalft.forgetting.forms`."""
    given: dict[str, Any]
    """What the form is told; of a choice ``options``, their number, and ``answer``, the place of the right one."""


@dataclass(frozen=True)
class Probed:
    """A row of ``forgetting/NAME.jsonl``."""

    id: str
    answer: str
    """Of a choice the letter that is likeliest."""
    right: bool


@dataclass(frozen=True)
class Diverged:
    """A row of ``forgetting/kl.jsonl``: how far contenders are from the base along one answer of the base."""

    id: str
    tokens: int
    """Of the answer, its end of turn among them."""
    nats: dict[str, float]
    """By subject, KL(base‖subject), summed over the tokens."""


@dataclass(frozen=True)
class Change:
    """Right answers of a contender, held against the baseline's to the same items."""

    lost: int
    gained: int
    difference: float
    """Of the shares of right answers."""
    interval: Interval
    p_value: float
    p_holm: float
    """Corrected for the number of parts × contenders; over all parts as it is."""

    def shows_loss(self, confidence: float) -> bool:
        return self.difference < 0 and self.p_holm < 1 - confidence


@dataclass(frozen=True)
class PartResult:
    """One part of the probe, or all together."""

    part: str
    items: int
    right: dict[str, int]
    """By contender."""
    changes: dict[str, Change]
    """By contender, without the baseline."""
    chance: float | None = None
    """The share that guessing gets right, where there is something to guess."""
    chance_p: float | None = None
    """How often guessing gets as many right as the baseline."""
    can_show: bool = True
    """Whether a loss could be shown: the baseline is above chance, and has enough right that losing all would count."""


@dataclass(frozen=True)
class Estimate:
    """In nats a token."""

    value: float
    interval: Interval | None
    """None with fewer than two texts."""


@dataclass(frozen=True)
class Point:
    """An adapter at one strength."""

    scale: float
    right: int
    change: Change
    """Over all parts, without a correction for the number of scales."""
    kl: Estimate
    gain: Estimate
    """What the loss on validation dialogues fell by, a supervised token."""


@dataclass(frozen=True)
class Curve:
    points: tuple[Point, ...]
    """By rising scale."""
    best: float | None
    """The scale with the most gain among those at which no loss is shown; None where none could be."""


@dataclass(frozen=True)
class Forgetting:
    """``forgetting.json``."""

    baseline: str
    contenders: tuple[str, ...]
    """Those that were asked, the baseline among them."""
    confidence: float
    parts: tuple[PartResult, ...]
    """The last is all together."""
    kl: dict[str, Estimate]
    """By contender, of adapters on the baseline."""
    kl_texts: int
    curves: dict[str, Curve]
    """By contender, likewise."""
    validation_dialogues: int
    max_kl: float | None
    not_asked: tuple[str, ...] = ()
    """Contenders that are not loaded here."""
    identities: dict[str, str | None] = field(default_factory=dict)
    """By contender: hash of what determines its answers."""

    @property
    def others(self) -> tuple[str, ...]:
        return tuple(name for name in self.contenders if name != self.baseline)

    @property
    def whole(self) -> PartResult:
        return self.parts[-1]


def at_scale(name: str, scale: float) -> str:
    """What a contender is called at a part of its strength: as no contender can be called."""
    return name if scale == 1 else f"{name}@{scale:g}"


FORGETTING: JsonFile[Forgetting] = JsonFile("forgetting.json", Forgetting, STAGE)
PROBE_ITEMS: JsonLinesFile[ProbeItem] = JsonLinesFile("forgetting/items.jsonl", ProbeItem, STAGE)
