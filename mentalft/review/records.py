"""What a blind review keeps: the key and the answers in ``review/EXPORT/``, and the result in ``review.json``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from mentalft.judging.rubric import Rubric, Text
from mentalft.records import Interval
from mentalft.runs.files import JsonFile
from mentalft.statistics.agreement import Estimate

FOLDER = "review"
Choice = Literal["first", "second", "tie"]
Kind = Literal["pair", "repeat", "attention", "guess"]
"""``repeat``: a pair again with its sides swapped. ``attention``: a reference against an answer that is none.
``guess``: which of the two is of the tuned model."""
GENUINE, BROKEN = "genuine", "broken"
"""The sides of an attention pair."""
TIED = 0.5
"""A choice of neither, where 1 is one for the contender and 0 one for the baseline."""
CHOICE = "choice"
"""Among the dimensions."""


@dataclass(frozen=True)
class Question:
    """One pair as it stands on a rater's page."""

    id: str
    """Drawn anew for every page; it tells nothing."""
    kind: Kind
    item: str
    """The id of the run's item."""
    sides: tuple[str, str]
    """The contenders: the first answer, which stands to the left or above, and the second."""


@dataclass(frozen=True)
class Sampled:
    """How the pairs were taken from the run."""

    metric: str
    """By whose difference they were spread."""
    pairs: int
    """That there were to take from: items × contenders without the baseline, less the identical ones."""
    identical: int
    """Pairs of two equal answers, which nobody is shown."""
    by_topic: dict[str, int]
    """Of those taken."""


@dataclass(frozen=True)
class Key:
    """``review/EXPORT/key.json``: what is what on the pages. It stays in the run."""

    export: str
    digest: str
    """Of the items and answers shown, by :func:`mentalft.review.export.digest_of`."""
    baseline: str
    contenders: tuple[str, ...]
    """Without the baseline."""
    tuned: str | None
    """The contender that raters are asked to tell; None where no pair has it."""
    rubric: Rubric
    seed: int
    sampled: Sampled
    pages: dict[str, tuple[Question, ...]]
    """Rater → questions in the order of the page."""

    @property
    def items(self) -> frozenset[str]:
        return frozenset(question.item for page in self.pages.values() for question in page)


@dataclass(frozen=True)
class Answer:
    """What a rater said of one question, as the page writes it."""

    id: str
    choice: Choice | None = None
    """A tie of a guess is "cannot tell"."""
    skipped: bool = False
    ratings: dict[str, tuple[int | None, int | None]] = field(default_factory=dict)
    """Dimension → of the first answer and of the second."""
    remark: str = ""


@dataclass(frozen=True)
class AnswerFile:
    """What a page saves."""

    export: str
    rater: str
    saved: str
    """UTC, ISO 8601."""
    answers: tuple[Answer, ...]
    checksum: int
    """CRC-32 of ``answers`` as the page writes them."""


@dataclass(frozen=True)
class RaterResult:
    """One rater."""

    name: str
    judged: int
    """Pairs with a choice, of those shown once."""
    shown: int
    skipped: int
    ties: int
    first: tuple[int, int]
    """Choices of the first answer, of those that are no tie; pairs and repeats."""
    same: tuple[int, int]
    """Repeats with the same choice as before, of those judged twice."""
    attentive: bool | None
    """Whether the genuine answer of the attention pair was chosen; None where there was none or it was skipped."""
    told: tuple[float, int]
    """Guesses that were right, "cannot tell" as a half, of all."""
    edited: bool
    """The file is not as the page wrote it."""


@dataclass(frozen=True)
class Preference:
    """One contender against the baseline, by choice."""

    wins: int
    ties: int
    losses: int
    items: int
    dialogues: int
    rate: Estimate
    """Of these raters: wins and half of the ties, of all choices; the interval is over dialogues."""
    over_raters: Interval | None
    """Over dialogues and raters; None with fewer than three raters."""
    tied: Estimate
    attentive: Estimate | None
    """The rate without the raters who failed the attention pair; None where nobody did."""


@dataclass(frozen=True)
class Agreement:
    """How far raters agree on the choice, or on a dimension."""

    dimension: str
    title: Text
    units: int
    """That two raters or more gave something for."""
    same: Estimate | None
    """The share of pairs of ratings that are equal."""
    kappa: Estimate | None
    """Cohen's, the mean over pairs of raters; with quadratic weights for a dimension."""
    alpha: Estimate | None
    """Krippendorff's: nominal for the choice, ordinal for a dimension."""


@dataclass(frozen=True)
class Rated:
    """A contender's ratings on a dimension, against the baseline's in the same pairs by the same raters."""

    dimension: str
    title: Text
    contender: str
    higher_is_better: bool
    baseline_mean: float
    mean: float
    difference: Estimate
    ratings: int
    """Of pairs in which both answers were rated."""


@dataclass(frozen=True)
class Followed:
    """How far an automatic metric's difference of an item goes with what the raters preferred there."""

    metric: str
    title: str
    tau: Estimate | None
    """Kendall's τ-b over pairs of items, above 0 where the metric goes with the raters whichever direction is better;
    None where it or the raters' preference is the same everywhere."""


@dataclass(frozen=True)
class Review:
    """``review.json``: what the raters found."""

    digests: dict[str, str]
    """Export → :attr:`Key.digest`."""
    sampled: Sampled
    """Of the last export."""
    baseline: str
    raters: tuple[RaterResult, ...]
    preferences: dict[str, Preference]
    """By contender, without the baseline."""
    agreement: tuple[Agreement, ...]
    """The choice first."""
    ratings: tuple[Rated, ...]
    repeated: Estimate | None
    """The share of repeats with the same choice."""
    first: Estimate | None
    """The share of the first answer among choices that are no tie."""
    first_p: float | None
    """Two-sided, of the exact binomial test: which answer stands first was drawn."""
    told: Estimate | None
    """The share of guesses that were right, "cannot tell" as a half."""
    cannot_tell: int
    metrics: tuple[Followed, ...]
    ceiling: Estimate | None
    """τ-b of a rater with the mean of the others, mean over raters; None with fewer than two raters."""
    confidence: float
    """Of every interval but those of ``metrics``, which hold it all together."""
    resamples: int
    seed: int


REVIEW: JsonFile[Review] = JsonFile("review.json", Review, "")


def key_file(export: str) -> JsonFile[Key]:
    return JsonFile(f"{FOLDER}/{export}/key.json", Key, "")


def answer_file(export: str, rater: str) -> JsonFile[AnswerFile]:
    """The answers of a rater that were imported, as they came."""
    return JsonFile(f"{FOLDER}/{export}/answers/{rater}.json", AnswerFile, "")
