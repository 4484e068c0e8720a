"""What passes between the stages: plain, immutable records."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from mentalft.words import Said

HELP_LINES = "help_lines"
"""Beside the types of personal data: numbers that stayed because they are help lines."""


class Message(NamedTuple):
    role: str
    """``system``, ``user`` or ``assistant``."""
    content: str
    learnt: bool = True
    """False: the model is shown this answer and does not learn from it."""

    def chat(self) -> dict[str, str]:
        """What a chat template or a server is given."""
        return {"role": self.role, "content": self.content}

    def to_json(self) -> dict[str, Any]:
        """The object in a file; what is not learnt from has ``"weight": 0``, as OpenAI's fine-tuning has it."""
        return self.chat() if self.learnt else {**self.chat(), "weight": 0}

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> Message:
        """The inverse of :meth:`to_json`."""
        return cls(found["role"], found["content"], found.get("weight") != 0)


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
            "messages": [message.to_json() for message in self.messages],
        }
        return {**record, "references": list(self.references)} if self.references else record

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Dialogue:
        """The inverse of :meth:`to_json`, for files that mentalft wrote itself."""
        messages = tuple(map(Message.from_json, record["messages"]))
        return cls(record["id"], record["topic"], messages, tuple(record.get("references", ())))


@dataclass(frozen=True)
class Rejected:
    """A record that was set aside, and why."""

    file: str
    record: int | None
    """Counted from 1, in the order of the file; None is the file as a whole."""
    reason: str
    field: str | None = None
    """Where in the record, if it is one place."""
    offset: int | None = None
    """Of the record in the file, in bytes, where its text could not be parsed."""
    source: str | None = None
    """Which corpus it is of, where there are several."""

    @property
    def said(self) -> Said:
        """File, record, field and reason on one line."""
        record = Said("data.record", {"number": self.record}) if self.record else ""
        field = f'"{self.field}" ' if self.field else ""
        return Said("data.problem", {"file": self.file, "record": record, "field": field, "reason": self.reason})


@dataclass(frozen=True)
class SourceReport:
    """A corpus that was read, and what became of its records."""

    name: str
    licence: str
    sha256: str = ""
    """Of its file; of several, of the list of theirs."""
    bytes: int = 0
    files: tuple[str, ...] = ()
    """The first of them."""
    file_count: int = 1
    format: str = ""
    revision: str | None = None
    homepage: str | None = None
    weight: float = 1.0
    records: int = 0
    dialogues: int = 0
    rejected_by_reason: dict[str, int] = field(default_factory=dict)
    encodings: dict[str, int] = field(default_factory=dict)
    """How many files are in another encoding than UTF-8, by its name."""


@dataclass(frozen=True)
class Shortened:
    """What ``data.max_length`` costs some training dialogues."""

    dialogues: int
    cut: int
    """Dialogues that lose their oldest exchanges to fit."""
    left_out: int
    """Dialogues that do not fit."""
    turns_lost: float
    """The share of the assistant turns that is not learnt from for it, and the share of the supervised tokens."""
    supervised_lost: float


@dataclass(frozen=True)
class TokenLengths:
    """How long training dialogues are in a model's tokens, with its chat template, by a sample of them."""

    model: str | None = None
    embedded: bool = False
    """It is the embedded model, whose tokenizer makes far more tokens of a text than a real one's."""
    quantiles: dict[str, int] = field(default_factory=dict)
    max_length: int | None = None
    shortened: Shortened | None = None
    """Of the sample."""
    not_counted: str | None = None
    """Why there are no lengths."""


@dataclass(frozen=True)
class Overlap:
    """How many of a set of questions open like a training dialogue or are near duplicates of one."""

    items: int
    in_train: int
    share: float = 0.0
    first: tuple[str, ...] = ()
    """Ids of some of those in the train split."""


@dataclass(frozen=True)
class DataReport:
    """What became of every record.

    ``records`` = dialogues of the three splits + ``rejected`` + ``duplicates`` + ``between_splits`` + ``unused``; a
    record that was mended or redacted is among the dialogues.
    """

    sources: tuple[SourceReport, ...]
    source: dict[str, Any]
    """What the manifest says of the data, one corpus or several."""
    dialogues: dict[str, int]
    """By split, and so are these: assistant turns, and the quantiles of characters a dialogue."""
    assistant_turns: dict[str, int]
    characters: dict[str, dict[str, int]] = field(default_factory=dict)
    records: int = 0
    rejected: int = 0
    rejected_by_reason: dict[str, int] = field(default_factory=dict)
    duplicates: int = 0
    between_splits: int = 0
    unused: int = 0
    train_lines: int = 0
    """Of ``train.jsonl``, where the weights of the sources repeat dialogues or leave some out."""
    repaired_by_rule: dict[str, int] = field(default_factory=dict)
    remarks: dict[str, int] = field(default_factory=dict)
    unread: dict[str, int] = field(default_factory=dict)
    """Records by the field that they have and that is not read."""
    privacy: dict[str, int | str] = field(default_factory=dict)
    """``mode``, how many of each type were found, in how many ``dialogues``, and how many ``help_lines`` were kept."""
    topics: dict[str, dict[str, int]] = field(default_factory=dict)
    """Dialogues by topic and split, the most frequent topic first."""
    tokens: TokenLengths | None = None
    overlap: dict[str, Overlap] = field(default_factory=dict)
    """With the train split, by the set's name."""

    @property
    def personal(self) -> dict[str, int | str]:
        """How many of each type of personal data were found."""
        return {name: number for name, number in self.privacy.items() if name.isupper()}


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
    """``stop`` (the model ended its turn), ``length`` (cut at ``max_new_tokens``), or what a server calls it."""
    tokens: int
    """New tokens, the end-of-turn token among them."""
    thinking: str | None = None
    """What was thought first, which is no part of ``text``; None where there was no thinking, empty where it was."""
    refusal: str | None = None
    """In a server's words, why it will not answer; asking again would not help."""


@dataclass(frozen=True)
class Flag:
    """What an integrity check found in one answer."""

    check: str
    evidence: Said
    """The place of the answer that made it, in words."""


@dataclass(frozen=True)
class Turn:
    """A message as an object with names in a file."""

    role: str
    content: str


@dataclass(frozen=True)
class ItemRow:
    """A row of ``items.jsonl``: what was asked, what every contender answered, and how that scored."""

    id: str
    dialogue_id: str
    topic: str | None
    history: tuple[Turn, ...]
    references: tuple[str, ...]
    answers: dict[str, str]
    """By contender, like the next two."""
    flags: dict[str, tuple[Flag, ...]]
    scores: dict[str, dict[str, float]]
    """Contender → metric → the item's own score."""

    @property
    def turn(self) -> int:
        """Which user turn is answered, counted from 1."""
        return sum(message.role == "user" for message in self.history)


@dataclass(frozen=True)
class ScoreRow:
    """A row of ``scores.jsonl``: what every score is added up from, without any text of a dialogue."""

    id: str
    digest: str
    """Of history and references, so that items of one name but other text are told apart."""
    dialogue_id: str
    topic: str | None
    depth: int
    """Which user turn is answered, counted from 1."""
    characters: dict[str, int]
    """Contender → length of its answer."""
    parts: dict[str, dict[str, list[float]]]
    """Contender → metric → what the item adds to the score."""


@dataclass(frozen=True)
class StoredMetric:
    """One metric's scores in ``metrics.json``."""

    title: str
    signature: str
    higher_is_better: bool
    scores: dict[str, float]
    """By contender."""


@dataclass(frozen=True)
class StoredMetrics:
    """``metrics.json``: every score with its signature."""

    decoding: str | None
    metrics: dict[str, StoredMetric]


@dataclass(frozen=True)
class Perplexed:
    """A row of ``responses/perplexity.jsonl``: how likely each contender finds one reference."""

    id: str
    tokens: int
    """Of the reference, the end of turn among them."""
    nll: dict[str, float]
    """By contender, the summed negative log likelihood in nats."""


@dataclass(frozen=True)
class TrainingResult:
    """``training.json``."""

    validation_loss: float
    """Mean loss per supervised token on the validation split, of the checkpoint that was kept."""


@dataclass(frozen=True)
class ObjectiveResult:
    """``objective.json``: what a sweep goes by."""

    name: str
    value: float
    """On the validation split."""
    direction: Literal["minimize", "maximize"]
    signature: str
    items: int
    dialogues: int


@dataclass(frozen=True)
class GivenFile:
    """A file that was read in place of asking."""

    path: str
    xxh3: str


@dataclass(frozen=True)
class Answerer:
    """A contender, as it was when it answered."""

    engine: str | None = None
    """None where its answers were given as a file."""
    model: str | None = None
    """Hub id or path; of a server, what it calls it."""
    adapter: str | None = None
    base_url: str | None = None
    file: GivenFile | None = None
    asked_with: str | None = None
    """What the hashes of its prompts are made of: a model's tokens, or messages; None where it is not known."""
    identity: str | None = None
    """Hash of everything but prompts and decoding that determines its answers."""


@dataclass(frozen=True)
class Made:
    """``responses/decoding.json``: who answered, and how."""

    contenders: dict[str, Answerer]
    """In the order in which they are shown."""
    decoding: str | None
    """None where all answers were given as files."""
    references: GivenFile | None = None
    """Where the questions came with the answers."""


@dataclass(frozen=True)
class Asked:
    """The items that were asked, and where the answers are."""

    items: list[Item]
    folder: Path
    baseline: str
    """The contender that the others are held against."""
    responses: dict[str, Path]
    """Contender → a JSONL file of responses, in the order in which they are shown; the baseline among them."""
    decoding: str | None
    """None where the answers were given as files."""
    perplexity: Path | None = None
    """How likely each contender finds the references, where that was measured."""
    problems: int = 0
    """What was wrong with answers that were given as files."""
    demonstration: bool = False
    """Whether they are those of the embedded model on embedded data."""
    contenders: dict[str, Answerer] = field(default_factory=dict)
    """What is known of those who answered."""

    def asked_with(self, contender: str) -> str | None:
        """What the hashes of a contender's prompts are made of."""
        return self.contenders.get(contender, Answerer()).asked_with


class Interval(NamedTuple):
    low: float
    high: float


BETTER: Final = "better"
WORSE: Final = "worse"
UNDECIDED: Final = "undecided"
WITHHELD: Final = "withheld"
"""The comparison is not a fair one, so that nothing is concluded from it."""
DIAGNOSTIC: Final = "diagnostic"
"""The metric has no vote: it says how answers are, not whether they are better."""
Verdict = Literal["better", "worse", "undecided", "withheld", "diagnostic"]
PRIMARY: Final = "primary"
SECONDARY: Final = "secondary"
Role = Literal["primary", "secondary", "diagnostic"]


@dataclass(frozen=True)
class LengthControlled:
    """The difference that would be left at answers of equal length; its limits: ``mentalft/statistics/length.py``."""

    difference: float
    interval: Interval
    extrapolated: bool
    """Hardly an item has answers of about equal length."""


OTHER, NO_TOPIC = "other", "(no topic)"
"""Names of groups that are no topic of the data."""


@dataclass(frozen=True)
class Group:
    """The difference among the items of one topic or one turn depth."""

    name: str
    items: int
    dialogues: int
    difference: float
    interval: Interval | None
    """None where there are too few dialogues for one."""


@dataclass(frozen=True)
class Difference:
    """One contender against the baseline, by one metric on the same items."""

    difference: float
    """The contender's score less the baseline's."""
    interval: Interval
    """Confidence interval of the difference."""
    wins: int
    """Items where the contender is better, whichever direction that is; items that count in no mean are left out of all
    three."""
    ties: int
    losses: int
    p_value: float | None
    """Two-sided, of the paired permutation test over dialogues; None for a diagnostic, which is not tested."""
    p_holm: float | None
    """The same, corrected for the number of tests of its role: primary or secondary metrics × contenders."""
    smallest_effect: float
    """The smallest true difference that would have been found four times in five."""
    verdict: Verdict
    length_controlled: LengthControlled | None = None
    """None for a metric that answers' length is no matter of."""
    by_topic: tuple[Group, ...] = ()
    by_depth: tuple[Group, ...] = ()
    """By the user turn that is answered: the first, the second …"""


@dataclass(frozen=True)
class MetricResult:
    """One metric over all items, for every contender."""

    metric: str
    """Its name in the configuration."""
    title: str
    signature: str
    higher_is_better: bool
    scale: str | None
    """What its values can be, such as ``0–1``; None where there is no bound."""
    scores: dict[str, float]
    """By contender."""
    differences: dict[str, Difference]
    """By contender, without the baseline."""
    role: Role = SECONDARY


@dataclass(frozen=True)
class AnswerLengths:
    """How long a contender's answers are."""

    mean_characters: float
    length_ratio: float
    """Characters of all answers by those of all references."""


@dataclass(frozen=True)
class Declared:
    """A metric that was named as the primary one."""

    metric: str
    at: str
    """UTC, ISO 8601."""
    answers_seen: bool
    """Whether there were answers already."""


@dataclass(frozen=True)
class Vote:
    """Which of two answers somebody found better who was not told whose they were (``mentalft-chat``, ``/blind``).

    It holds no text: that is in ``chats/CONVERSATION.jsonl`` where the user wanted it kept.
    """

    at: str
    """UTC, ISO 8601."""
    conversation: str
    turn: int
    """Of the user in that conversation, counted from 1."""
    attempt: int
    """1, and more where the same message was asked again."""
    message_sha256: str
    """Of what the user wrote in that turn."""
    order: tuple[str, str]
    """The contenders, left and right."""
    choice: Literal["left", "right", "tie"]
    decoding: str
    models: dict[str, str]
    """Contender → its model (and that one's commit on the hub), and the SHA-256 of its adapter if it has one."""


CAUTION: Final = "caution"
NOT_COMPARABLE: Final = "not_comparable"
Level = Literal["caution", "not_comparable"]


@dataclass(frozen=True)
class Gate:
    """Something that keeps a comparison from being taken at its word."""

    rule: str
    level: Level
    contender: str | None
    """Whose answers it is about; None is all."""
    clause: Said
    """What was found, as the headline says it."""
    line: Said
    """The same with its bound and what to do, as it stands below the headline."""


@dataclass(frozen=True)
class Leakage:
    """What was asked, held against what a contender was trained on."""

    known: bool
    """Whether what it was trained on could be looked into."""
    said: Said
    items: int = 0
    """Of those asked that are in it: exactly, with the same opening, or as near duplicates."""
    share: float = 0.0
    """Of the items asked."""


class Contest:
    """What comparisons of one run and of several have in common."""

    baseline: str
    contenders: tuple[str, ...]
    gates: tuple[Gate, ...]
    over_seeds: tuple[str, ...] = ()
    """The contenders that were trained with three seeds or more: their intervals, tests and verdicts are over dialogues
    and seeds, those of others of these weights alone."""

    @property
    def others(self) -> tuple[str, ...]:
        """The contenders that are held against the baseline."""
        return tuple(name for name in self.contenders if name != self.baseline)

    @property
    def warnings(self) -> tuple[Said, ...]:
        """What the gates say."""
        return tuple(gate.line for gate in self.gates)

    def gates_of(self, name: str, level: Level) -> list[Gate]:
        """Those of ``level`` that bear on holding ``name`` against the baseline."""
        return [g for g in self.gates if g.level == level and g.contender in (None, name, self.baseline)]


@dataclass(frozen=True)
class Comparison(Contest):
    """The result of an experiment: ``comparison.json``."""

    baseline: str
    contenders: tuple[str, ...]
    """In the order in which they are shown, the baseline among them."""
    items: int
    dialogues: int
    confidence: float
    resamples: int
    """Of the bootstrap, and of the permutation test."""
    seed: int
    """Of both."""
    metrics: tuple[MetricResult, ...]
    decoding: str | None
    """None where it is not known: the answers were given as files."""
    answers: dict[str, AnswerLengths]
    """By contender."""
    checks: dict[str, dict[str, float]]
    """By contender, the share of answers that each integrity check found, by the check's name."""
    leakage: dict[str, Leakage] = field(default_factory=dict)
    """By contender, without the baseline."""
    gates: tuple[Gate, ...] = ()
    """What keeps the table from being taken at its word; shown above it."""
    notes: tuple[Said, ...] = ()
    """What must be known of how these very scores came about."""
    no_topics: Said | None = None
    """Why nothing is shown by topic; None where something is."""
    unseen: Comparison | None = None
    """The same without the items that a contender was trained on; None where there are none, or hardly others."""
    demonstration: bool = False
    """Whether the answers are those of the embedded model, of which all training data is known."""


@dataclass(frozen=True)
class ComparedRun:
    """What one run found, as it is in its own table."""

    name: str
    metrics: tuple[MetricResult, ...]


@dataclass(frozen=True)
class Spread:
    """One metric's difference of one contender, run by run."""

    metric: str
    contender: str
    mean: float
    sd: float
    """Of the runs, with ``runs - 1`` in the denominator."""
    low: float
    high: float


@dataclass(frozen=True)
class RunsComparison(Contest):
    """Several runs over the same items, each by itself and all together."""

    baseline: str
    contenders: tuple[str, ...]
    items: int
    dialogues: int
    confidence: float
    decoding: str | None
    runs: tuple[ComparedRun, ...]
    combined: tuple[MetricResult, ...]
    """Scores are means over runs; empty where there is but one run."""
    spreads: tuple[Spread, ...]
    notes: tuple[Said, ...]
    """What a reader must know of these runs."""
    leakage: dict[str, Leakage] = field(default_factory=dict)
    """By contender; of the run that knows least, or saw most."""
    gates: tuple[Gate, ...] = ()
    """Of every run."""
    demonstration: bool = False
    over_seeds: tuple[str, ...] = ()
    unseen: None = None

    @property
    def metrics(self) -> tuple[MetricResult, ...]:
        """Of all runs together."""
        return self.combined or self.runs[0].metrics
