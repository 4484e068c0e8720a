"""What the judge stage stores: every verdict, and what they come to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from mentalft.records import GivenFile, Verdict
from mentalft.statistics.agreement import Estimate

TIE: Final = "tie"
"""In place of a contender's name; no contender of a comparison is called so."""
Read = Literal["json", "words", "none"]


@dataclass(frozen=True)
class JudgeRow:
    """A row of ``judge/verdicts.jsonl``: one request, and the reply."""

    id: str
    prompt_sha256: str
    """Of the request and of all that decides the reply besides: equal ones are not asked again."""
    item: str
    contender: str
    """Held against the baseline."""
    first: str
    """Whose answer stood first."""
    repeat: int
    """From 0."""
    choice: str | None
    """A name, or :data:`TIE`; None where the reply could not be read."""
    ratings: dict[str, dict[str, int]]
    """By contender and dimension; those that are not on the rubric's scale are left out."""
    read_as: Read
    """How the choice was found in the reply."""
    reply: str
    refusal: str | None
    """In the server's words."""
    prompt_tokens: int
    """As the server counts them, and so are these."""
    completion_tokens: int
    structured: bool
    """Whether the reply was asked for with a JSON schema."""


@dataclass(frozen=True)
class Cost:
    requests: int
    prompt_tokens: int
    completion_tokens: int
    price: float | None
    """None where no price was given."""


@dataclass(frozen=True)
class Length:
    """Whether verdicts follow length; of pairs with two different answers."""

    longer: Estimate | None
    """The longer answer's share of the pairs that were decided."""
    correlation: Estimate | None
    """Of the verdict with the log ratio of lengths. It is 0 where one contender is better and longer throughout."""
    near_equal: Estimate | None
    """The win rate among answers of nearly equal length."""
    near_equal_pairs: int
    at_equal_length: Estimate | None
    """The win rate that a straight line has at equal length; None where it would be extrapolated."""
    extrapolated: bool
    """Hardly a pair has answers of about equal length, so that length and contender cannot be told apart."""


@dataclass(frozen=True)
class Agreement:
    """Of the judge with people, and of people with each other: all κ with quadratic weights."""

    judge: Estimate | None
    """With each rater, one at a time."""
    people: Estimate | None
    """Each rater with each other one."""
    difference: Estimate | None
    """The first less the second, on what two or more people rated."""
    ratings: int
    """By people."""
    pairs: int
    """Of them: by two people of the same."""


@dataclass(frozen=True)
class Corrected:
    """The win rate in people's eyes, by prediction-powered inference."""

    win_rate: Estimate
    p_value: float
    """Of a win rate of one half."""
    p_holm: float
    """Corrected for the number of contenders."""
    weight: float
    """Of the judge, between 0 and 1."""
    people: Estimate
    """What people alone say."""
    rated: int
    """Items that people rated."""
    dialogues: int
    """Of these."""


@dataclass(frozen=True)
class Rated:
    """One dimension of the rubric."""

    means: dict[str, float]
    """By contender; empty where nothing was rated."""
    difference: Estimate | None
    """The contender's mean less the baseline's."""
    agreement: Agreement | None
    """None where people rated nothing."""


Fault = Literal["chance", "position", "length", "length_unknown", "undecided"]
Reason = Literal["validated", "no_people", "few", "one_rater", "unknown", "no_agreement", "below"]
"""Why a judge is, or is not, validated."""


@dataclass(frozen=True)
class Judged:
    """One contender, held against the baseline."""

    items: int
    dialogues: int
    identical: int
    """Items with two equal answers: ties that were not asked about."""
    wins: int
    ties: int
    losses: int
    unfinished: int
    """Items without a verdict that can be read in both orders; they count nowhere."""
    verdicts: int
    """Replies, and how many of them could not be read, were refused, or were read in words for want of JSON."""
    unread: int
    refused: int
    in_words: int
    win_rate: Estimate | None
    """Of the contender; what is not decided the same way in both orders is a tie, which is half a win."""
    flips: Estimate | None
    """Share of pairs on which the order of the answers changed the verdict."""
    first: Estimate | None
    """The first answer's share of the verdicts that were decided."""
    order_kappa: Estimate | None
    """Agreement of the two orders beyond that of a judge who goes by place alone, as often as this one does."""
    repeats: Estimate | None
    """Share of equal verdicts on the same pair in the same order; None without repeats."""
    length: Length
    dimensions: dict[str, Rated]
    agreement: Agreement | None
    """On the choice; None where people chose nothing."""
    corrected: Corrected | None
    faults: tuple[Fault, ...]
    reason: Reason
    verdict: Verdict
    """Withheld unless the judge is validated."""


@dataclass(frozen=True)
class JudgeRecord:
    """``judge.json``."""

    model: str
    server: str
    """Its host."""
    rubric: str
    rubric_source: str
    titles: dict[str, dict[str, str]]
    """Of the rubric's dimensions, by language."""
    language: str
    decoding: str
    repeats: int
    structured: bool
    """Whether all replies were asked for with a JSON schema."""
    baseline: str
    confidence: float
    cost: Cost
    contenders: dict[str, Judged]
    """Without the baseline."""
    families: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Contender → the families of models that it shares with the judge."""
    people: GivenFile | None = None
    """Where their choices were read."""
    raters: int = 0
    identities: dict[str, str | None] = field(default_factory=dict)
    """By contender, as it was when it answered."""
