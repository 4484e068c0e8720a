"""``export.json``: what an export was made from, what is in it, and how it was proven."""

from __future__ import annotations

from dataclasses import dataclass, field

from mentalft.runs.files import JsonFile


@dataclass(frozen=True)
class Made:
    """What an export was made from."""

    form: str
    """``merged``, ``adapter`` … (:mod:`mentalft.export.forms`)."""
    contender: str
    base: str
    """Hub id, or the last part of a folder's path."""
    revision: str | None
    adapter_sha256: str
    """Of the files ``adapter_*``, as the evaluate stage recorded it."""
    dtype: str
    """Of the export's weights: ``float32``, ``bfloat16``, ``float16``, or a quantisation such as ``q8_0``."""
    evaluated_in: str
    """The dtype of the base model that was evaluated."""
    quantization: str
    """Of the base model that was evaluated: ``none``, ``8bit``, ``4bit``. An export is never made of such weights."""
    at: str
    """UTC, ISO 8601."""
    versions: dict[str, str | None]


@dataclass(frozen=True)
class Bounds:
    """What a proof accepts (:func:`mentalft.export.proof.bounds_of`)."""

    logit_difference: float
    """The largest, in logits."""
    agreement: float
    """The smallest share of tokens that are the likeliest in both."""


@dataclass(frozen=True)
class TokenDifference:
    """Where greedy decoding takes another token for the first time."""

    prompt: str
    """Its id."""
    position: int
    """Of the new tokens, counted from 0."""
    evaluated: str
    """The token that was evaluated, as text."""
    exported: str
    margin: float
    """How much likelier the evaluated model finds its own token, in logits; small where two tokens are near a tie."""


@dataclass(frozen=True)
class Cause:
    """Why an export is not what was evaluated."""

    name: str
    """One of the known ones, such as ``template changed``."""
    found: str
    mend: str

    def __str__(self) -> str:
        return f"{self.name}: {self.found}; {self.mend}"


@dataclass(frozen=True)
class Weights:
    """What the weights in the files are, held against base and adapter."""

    tensors: int
    tensors_equal: int
    """Those that are what merging in 32 bit gives, up to the rounding of their dtype."""
    adapter_share: float
    """How much of the adapter's change is in them: 1 all of it, 0 none (the projection on it)."""


@dataclass(frozen=True)
class Proof:
    """The evaluated model and the export, loaded afresh from its files, asked the same."""

    prompts: int
    prompts_equal: int
    """Those whose token ids are the same."""
    tokens: int
    """Of the evaluated model's greedy answers; each is a position at which the two are held against each other."""
    tokens_equal: int
    """Positions at which both find the same token likeliest, after the same tokens."""
    largest_logit_difference: float
    """Among the likeliest tokens of each position (:data:`mentalft.export.proof.LIKELIEST`)."""
    first_difference: TokenDifference | None
    answers_equal: int
    """Those equal to the greedy answers of base and adapter here."""
    answers_equal_to_evaluated: int | None
    """Those equal to ``responses/NAME.jsonl``; None where the run sampled."""
    reproduced: int | None
    """The greedy answers of base and adapter here that equal ``responses/NAME.jsonl``: fewer than all on other
    hardware, with other versions, and after an evaluation on quantised weights; None where the run sampled."""
    ended: int
    """Answers that end with an end token within the run's ``max_new_tokens``, and so those of base and adapter."""
    ended_evaluated: int
    bounds: Bounds
    device: str


@dataclass(frozen=True)
class Export:
    """``export.json``."""

    made: Made
    causes: tuple[Cause, ...]
    """Why it is not what was evaluated; none for an export that passed."""
    proof: Proof | None
    """None where it could not be asked, and ``not_proven`` says why."""
    not_proven: str | None = None
    weights: Weights | None = None
    """None where a form has no tensors of the base model's names."""
    files: dict[str, str] = field(default_factory=dict)
    """Path below the folder → SHA-256."""
    passed: bool = False
    """There is a proof, and no cause."""


EXPORT: JsonFile[Export] = JsonFile("export.json", Export, "")
