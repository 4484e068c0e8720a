"""The typed configuration: names, types, units and bounds. Values live in ``conf/`` alone.

A field without a bound says ``MISSING``; a number carries its bounds in the field's metadata,
and :func:`mentalft.config.checks.problems` reports every value that breaks one, all at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Optional

from mentalft.config.fields import (
    ASKING,
    MODEL,
    PACE,
    PLACE,
    PRESENTATION,
    SAMPLING,
    SCORING,
    TRAINING,
    ServerConfig,
    number,
    value,
)
from mentalft.config.judge import JudgeConfig
from mentalft.config.report import ReportConfig
from mentalft.config.training import LoraConfig, TrainerConfig

RUNNING_ORDER = ("prepare", "preflight", "train", "objective", "evaluate", "answers", "judge", "compare")
"""Every stage there is (:mod:`mentalft.stages`); settings say by these names on which they bear."""
STAGES = tuple(name for name in RUNNING_ORDER if name not in ("objective", "answers"))
"""What ``stages`` may name; the others run where a setting asks for them."""
TokenizerName = Literal[
    "auto", "jieba", "char", "13a", "jieba_raw", "jieba_stripped", "jieba_joined", "char_raw", "rouge_score",
]  # fmt: skip
ARTIFACTS = ("adapter", "report")
EMBEDDED = "embedded"
EMBEDDED_MODEL = "mentalft-tiny"
AUTO = "auto"
VALIDATION_LOSS = "validation_loss"


@dataclass
class DataConfig:
    name: str = value(bears_on="prepare")
    """Short name, shown in tables and recorded in the manifest."""
    path: Optional[str] = value(bears_on="prepare")
    """A file, folder or pattern; ``hf://OWNER/NAME[/FILE]`` or ``modelscope://OWNER/NAME/FILE``; or ``embedded``.
    Null where ``sources`` names several."""
    sources: list[Any] = value(bears_on="prepare")
    """Several corpora in place of ``path``: paths, or mappings of ``path`` with ``name, format, max_dialogues, weight,
    columns, licence, homepage, sha256, hub_config, hub_split``. A weight says how often a training dialogue of a source
    stands in the train split."""
    hub_config: Optional[str] = value(bears_on="prepare")
    """Of ``hf://OWNER/NAME``: the configuration (subset) to read; needed where there are several."""
    hub_split: Optional[str] = value(bears_on="prepare")
    """Of ``hf://OWNER/NAME``: the split to read; null reads all, for they are split anew."""
    format: str = value(bears_on="prepare")
    """Form of the records (docs/data.md); ``auto`` looks at the first ones."""
    columns: dict[str, Any] = value(bears_on="prepare")
    """Of a table: the names of its columns for ``question, answer, title, system, topic, id`` and other
    parts (docs/data.md); usual ones are found."""
    encoding: Optional[str] = value(bears_on="prepare")
    """Encoding of the text, such as ``gb18030`` or ``cp1252``; null finds it out, and stops where that is not sure."""
    sha256: Optional[str] = value(bears_on="prepare")
    """What the file of ``path`` must hash to; null takes what the hub states."""
    leading_assistant: Literal["drop", "keep"] = value(bears_on="prepare")
    """What to do with assistant turns before the first user turn; kept ones are context, never trained on."""
    html: Literal["text", "keep"] = value(bears_on="prepare")
    """Turn HTML in text into plain text, or keep it. Embedded files go either way."""
    thinking: Literal["keep", "strip"] = value(bears_on="prepare")
    """Leave reasoning blocks (``<think>…</think>``) in the answers to learn from, or take them out."""
    max_rejected: float = number(ge=0, le=1, bears_on="prepare")
    """Stop when a larger share of the records cannot be used."""
    privacy: Literal["redact", "report", "off"] = value(bears_on="prepare")
    """Replace personal data by placeholders, count it only, or do not look."""
    hotlines: list[str] = value(bears_on="prepare")
    """Numbers that stay besides the help lines of ``assets/help_lines.csv``, as people write them."""
    external_tests: list[str] = value(bears_on="prepare")
    """Files of test dialogues that the train split is checked against, besides the question bank."""
    max_overlap: float = number(ge=0, le=1, bears_on="prepare")
    """Stop when a larger share of the question bank or of an external test set is in the train split."""
    num_proc: Optional[int] = number(ge=1, bears_on=PACE)
    """Processes that read; null is one a core. The result is the same."""
    system_message: Optional[str] = value(bears_on=("prepare", "evaluate"))
    """Put before every dialogue that has no system message of its own; null adds none."""
    system_as: Literal["system", "user_prefix"] = value(bears_on=MODEL)
    """Give the system message a turn of its own, or put it at the head of the first user turn, for chat templates that
    have no such role (Gemma 2)."""
    validation_fraction: float = number(gt=0, lt=1, bears_on="prepare")
    """Share of dialogues held out to choose checkpoints and settings by."""
    test_fraction: float = number(gt=0, lt=1, bears_on="prepare")
    """Share of dialogues held out for the comparison alone."""
    train_fraction: float = number(gt=0, le=1, bears_on="prepare")
    """Share of the training dialogues that is used, validation and test being the same; smaller shares are parts of
    larger ones."""
    split_seed: int = number(ge=0, bears_on=("prepare", "evaluate if eval.max_items", "objective if eval.max_items"))
    """Decides which dialogue goes where; apart from ``seed`` so that runs with several seeds share a test set."""
    max_length: int = number(ge=16, bears_on=MODEL)
    """Longest training example and longest prompt, in tokens; older turns are dropped first."""
    too_long: Literal["truncate", "drop", "error"] = value(bears_on=TRAINING)
    """A training dialogue above ``max_length``: cut its oldest turns, leave it out, or stop."""
    max_dialogues: Optional[int] = number(ge=3, bears_on="prepare")
    """Read at most this many dialogues, from the front of the file; null reads all."""
    licence: str = value(bears_on="prepare")
    """Terms of the data set, recorded in the manifest and the model card."""
    homepage: Optional[str] = value(bears_on="prepare")
    """Where the data set comes from, recorded in the manifest."""


@dataclass
class ModelConfig:
    name: str = value(bears_on=PRESENTATION)
    """Shown in tables; ``auto`` is the last part of ``name_or_path``."""
    name_or_path: str = value(bears_on=MODEL)
    """A local folder, a hub id, or ``embedded`` for the tiny model that comes with the package."""
    revision: Optional[str] = value(bears_on=MODEL)
    """Branch, tag or commit on the hub; null is the default branch. The commit used is recorded."""
    hub: Literal["huggingface", "modelscope"] = value(bears_on=MODEL)
    """Where a hub id is looked up."""
    attn_implementation: Literal["sdpa", "eager", "flash_attention_2"] = value(bears_on=MODEL)
    """Attention kernel, as in transformers."""
    chat_template: Optional[str] = value(bears_on=MODEL)
    """In place of the tokenizer's own: a file that holds one, or ``chatml``; it is saved with the adapter."""
    chat_template_kwargs: dict[str, Any] = value(bears_on=MODEL)
    """Extra variables for the tokenizer's chat template, such as a fixed date."""
    quantization: Literal["none", "8bit", "4bit"] = value(bears_on=MODEL)
    """Load the frozen base with bitsandbytes (QLoRA); needs a CUDA GPU and ``mentalft[qlora]``."""


@dataclass
class ResponsesConfig:
    """Short for ``contenders.NAME.answers``; with ``references``, files are scored by ``stages=[compare]`` alone."""

    base: Optional[str] = value(bears_on="answers")
    """Those of the baseline."""
    tuned: Optional[str] = value(bears_on="answers")
    """Those that are held against it."""


@dataclass
class OpenAIConfig(ServerConfig):
    """A server with OpenAI's chat completions, for ``engine=openai``."""

    base_url: Optional[str] = value(bears_on="evaluate if eval.engine=openai")
    """Such as ``http://localhost:8000/v1``."""
    base_model: Optional[str] = value(bears_on="evaluate if eval.engine=openai")
    """What the server calls the contender ``base``."""
    tuned_model: Optional[str] = value(bears_on="evaluate if eval.engine=openai")
    """What the server calls the contender ``tuned``."""
    extra_body: dict[str, Any] = value(bears_on="evaluate if eval.engine=openai")
    """Further fields of every request, such as ``{chat_template_kwargs: {enable_thinking: false}}``; null leaves one of
    ours out. ``max_completion_tokens`` takes the place of ``max_tokens``."""


@dataclass
class BoundConfig:
    """Above which value something is said to be wrong with a comparison; null is never."""

    echo: Optional[float] = number(ge=0, bears_on="compare")
    """Share of a contender's answers that begin with what the user said last, or largely repeat it."""
    empty: Optional[float] = number(ge=0, bears_on="compare")
    """Share that hold nothing but white space."""
    cut: Optional[float] = number(ge=0, bears_on="compare")
    """Share that end at ``max_new_tokens``, without an end token."""
    repetition: Optional[float] = number(ge=0, bears_on="compare")
    """Share that loop."""
    other_language: Optional[float] = number(ge=0, bears_on="compare")
    """Share in another script than their references."""
    other_script: Optional[float] = number(ge=0, bears_on="compare")
    """Share in traditional Chinese characters where their references are in simplified ones, or the other way."""
    role_leak: Optional[float] = number(ge=0, bears_on="compare")
    """Share that hold role labels or template tokens."""
    thinking: Optional[float] = number(ge=0, bears_on="compare")
    """Share that came with a block of thinking, which is not scored."""
    refused: Optional[float] = number(ge=0, bears_on="compare")
    """Share that were refused by the server."""
    longer: Optional[float] = number(ge=0, bears_on="compare")
    """Characters of all answers by those of all references."""
    shorter: Optional[float] = number(ge=0, bears_on="compare")
    """Characters of all references by those of all answers."""
    leakage: Optional[float] = number(ge=0, bears_on="compare")
    """Share of the items asked that the contender was trained on."""


@dataclass
class BoundsConfig:
    """Two levels, by what follows."""

    caution: BoundConfig = field(default_factory=BoundConfig)
    """The headline says it beside the verdict."""
    not_comparable: BoundConfig = field(default_factory=BoundConfig)
    """There is no verdict."""


@dataclass
class EvalConfig:
    items: Literal["test", "validation", "bank", "both", "file"] = value(bears_on="evaluate")
    """What is asked: held-out dialogues, those of the validation split, the embedded bank of textbook questions, test
    and bank, or the questions of a file."""
    questions: Optional[str] = value(bears_on="evaluate")
    """The file of ``items=file``: JSON, JSONL or CSV of questions and answers (docs/evaluation.md)."""
    turns: Literal["last_turn", "every_turn"] = value(bears_on=ASKING)
    """Which assistant turns of a held-out dialogue are asked for, each with the true history before it."""
    max_items: Optional[int] = number(ge=2, bears_on=ASKING)
    """Ask at most this many: whole dialogues, a seeded sample in which each topic keeps its share. Null asks all."""
    engine: Literal["transformers", "vllm", "openai"] = value(bears_on="evaluate")
    """What answers: this process, vLLM (``mentalft[vllm]``, a GPU), or a server (``mentalft[openai]``)."""
    openai: OpenAIConfig = field(default_factory=OpenAIConfig)
    contenders: dict[str, Any] = value(bears_on=("evaluate", "answers"))  # Hydra adds none to a mapping of typed values
    """Who is compared, by a name of your choice, in the order of the tables (docs/contenders.md): each a
    :class:`mentalft.config.contenders.ContenderConfig`; null leaves one out."""
    baseline: str = value(bears_on=("compare", "judge"))
    """The contender that the others are held against."""
    perplexity: bool = value(bears_on=("evaluate", "compare"))
    """Whether the likelihood of the references is measured too; by ``engine=transformers`` alone."""
    max_new_tokens: int = number(ge=1, bears_on=ASKING)
    """Longest answer, in tokens; one that is cut there is counted."""
    do_sample: bool = value(bears_on=ASKING)
    """False is greedy decoding, the only kind whose answers do not depend on a seed."""
    temperature: float = number(gt=0, bears_on=SAMPLING)
    """Divides the logits before a token is drawn."""
    top_p: float = number(gt=0, le=1, bears_on=SAMPLING)
    """Draw among the likeliest tokens that together have this probability; 1 is no limit."""
    top_k: int = number(ge=0, bears_on=SAMPLING)
    """Draw among this many likeliest tokens; 0 is no limit."""
    batch_size: int = number(ge=1, bears_on=PACE)
    """Prompts decoded together; halved where memory runs out."""
    primary: str = value(bears_on="compare")
    """The metric that the verdict goes by, named before there are answers (docs/metrics.md); always computed."""
    metrics: list[str] = value(bears_on="compare")
    """Names (docs/metrics.md, or ``mentalft-runs metrics``); ``bleu`` is BLEU-4."""
    extra_metrics: list[str] = value(bears_on="compare")
    """Further metrics through ``evaluate.load``: a name on the hub or ``./path.py``; ``#KEY`` picks one of several."""
    lower_is_better: list[str] = value(bears_on="compare")
    """Which of ``extra_metrics`` are better the lower they are, by the names that tables give them: ``wer`` for
    ``./wer.py``, ``rouge.rouge1`` for ``rouge#rouge1``."""
    language: Literal["auto", "zh", "en"] = value(bears_on=SCORING)
    """Of the references; ``auto`` looks at them. It picks tokenizers and BERTScore's model."""
    tokenizer: TokenizerName = value(bears_on=SCORING)
    """For BLEU, METEOR and Distinct; ``auto`` goes by language. Those after ``13a`` reproduce published figures."""
    rouge_tokenizer: TokenizerName = value(bears_on=SCORING)
    """For ROUGE; ``auto`` is ``tokenizer``."""
    rouge_variant: Literal["rouge_score", "rouge", "rouge_chinese"] = value(bears_on=SCORING)
    """Whose ROUGE: Google's, or one of two packages that count an n-gram once."""
    bleu_smoothing: Literal["method0", "method1", "method2", "method3", "method4", "method5"] = value(bears_on=SCORING)
    """NLTK's smoothing method for sentence BLEU; ``method0`` is none."""
    empty_answers: Literal["zero", "skip"] = value(bears_on=SCORING)
    """An empty answer scores 0, or (as some tools do) counts in no mean."""
    embedder: str = value(bears_on=SCORING)
    """For ``cosine``: a sentence-transformers name or folder, ``modelscope://OWNER/NAME[@REVISION]``, or ``embedded``;
    ``auto`` is the latter for the embedded sample, and no ``cosine`` for other data."""
    bertscore_model: Optional[str] = value(bears_on=SCORING)
    """A name that BERTScore has a baseline for, or a folder of that name; null goes by language."""
    bounds: BoundsConfig = field(default_factory=BoundsConfig)
    bootstrap_resamples: int = number(ge=100, bears_on=("compare", "judge"))
    """Resamples of dialogues, and permutations, that intervals and tests are made from."""
    confidence: float = number(gt=0.5, lt=1, bears_on=("compare", "judge"))
    """Coverage of the intervals."""
    during_training: int = number(ge=0, bears_on=PACE)
    """At each validation, answer the last turn of this many validation dialogues and log BLEU and ROUGE-L; 0 is off."""
    objective: str = value(bears_on="objective")
    """What a sweep goes by, on the validation split: ``validation_loss``, or a name of ``metrics``, for which the
    tuned model answers validation dialogues as it does those of the test."""
    trained_on: Optional[str] = value(bears_on="compare")
    """What was trained on elsewhere, in any form that ``data.path`` takes: what is asked is looked up in it."""
    adapter: str = value(bears_on="evaluate")
    """Short for ``contenders.tuned.adapter``: ``run``, or a PEFT adapter folder to evaluate in its place."""
    responses: ResponsesConfig = field(default_factory=ResponsesConfig)
    references: Optional[str] = value(bears_on="answers")
    """The questions and reference answers that ``responses`` are held against."""


@dataclass
class TrackingConfig:
    mode: Literal["auto", "online", "offline", "disabled"] = value(bears_on=PRESENTATION)
    """``auto`` is online when a key and a network are there, else offline."""
    project: str = value(bears_on=PRESENTATION)
    """The W&B project."""
    entity: Optional[str] = value(bears_on=PRESENTATION)
    """The W&B user or team; null is the key's own."""
    name: Optional[str] = value(bears_on=PRESENTATION)
    """Name of the run; null lets the run directory name it."""
    tags: list[str] = value(bears_on=PRESENTATION)
    """Tags of the W&B run, beside the names of data and model."""
    log_text: bool = value(bears_on=PRESENTATION)
    """Whether dialogue text may go to W&B."""
    log_artifacts: list[str] = value(bears_on=PRESENTATION)
    """What to upload whole: ``adapter``, ``report`` (which holds dialogue text, and so needs ``log_text``)."""
    init_timeout: int = number(ge=1, bears_on=PACE)
    """Seconds to wait for the W&B server before the run goes on offline."""
    finish_timeout: int = number(ge=1, bears_on=PACE)
    """Seconds to wait at the end of a run for what is still to be uploaded; the rest stays for ``wandb sync``."""


@dataclass
class Config:
    stages: list[str] = value(bears_on=PLACE)
    """Which of ``prepare, preflight, train, evaluate, judge, compare`` to run; what is left out is taken from
    ``run_dir``."""
    seed: int = number(
        ge=0,
        lt=2**32,
        bears_on=("train", "evaluate if eval.do_sample", "compare", "objective if eval.do_sample", "judge"),
    )
    """Seeds initialisation, data order, dropout, sampling and the bootstrap."""
    run_dir: Optional[str] = value(bears_on=PLACE)
    """Continue the run in this directory; null starts a new one under ``outputs/``."""
    sweep_dir: Optional[str] = value(bears_on=PLACE)
    """With ``--multirun``, continue the sweep in this directory; null starts a new one under ``multirun/``."""
    cache: bool = value(bears_on=PLACE)
    """Share base-model answers between runs through ``cache_dir``."""
    cache_dir: Optional[str] = value(bears_on=PLACE)
    """Null is ``mentalft`` in the user's cache folder."""
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    lora: LoraConfig = field(default_factory=LoraConfig)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    eval: EvalConfig = field(default_factory=EvalConfig)
    judge: JudgeConfig = field(default_factory=JudgeConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    report: ReportConfig = field(default_factory=ReportConfig)


def source_name(spec: str | dict[str, Any]) -> str:
    """What a source is called: its ``name``, or the last part of its path."""
    path = spec if isinstance(spec, str) else str(spec["path"])
    given = None if isinstance(spec, str) else spec.get("name")
    return str(given or last_part(path))


def last_part(path: str) -> str:
    """``FOLDER`` of ``a/FOLDER/``, ``NAME`` of the hub's ``OWNER/NAME``."""
    return path.rstrip("/\\").replace("\\", "/").rpartition("/")[2] or path


def extra_name(spec: str) -> str:
    """What an entry of ``eval.extra_metrics`` is called in tables: its module, and the result's key if one is given."""
    path, _, key = spec.partition("#")
    name = path.rstrip("/").rpartition("/")[2].removesuffix(".py")
    return f"{name}.{key}" if key else name


OPEN_KEYS = (
    "data.columns",
    "model.chat_template_kwargs",
    "trainer.fsdp",
    "trainer.deepspeed",
    "eval.openai.extra_body",
    "judge.extra_body",
    "eval.contenders",
)
"""Keys whose value is a mapping with names of the user's own."""
