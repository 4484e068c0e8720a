"""What a metric is, and every metric there is: each registers itself in the file that defines it.

The modules of this package are looked through once; a file that calls :func:`register` is all that a new metric needs.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

import mentalft.metrics
from mentalft.config import AUTO, EMBEDDED, EvalConfig, extra_name
from mentalft.errors import ConfigError
from mentalft.metrics.tokens import Tokenizer, chosen, language_of
from mentalft.records import DIAGNOSTIC, PRIMARY, SECONDARY, Role
from mentalft.words import Language, Said, told

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mentalft.records import MetricResult

    Parts = NDArray[np.float64]
    """(items, parts): what each item adds to the score."""
    Total = Callable[[NDArray[np.float64]], NDArray[np.float64]]
    """Sums of parts (..., parts) in, score (...) out; 0 where there is nothing to divide by."""
Texts = Sequence[str]
Score = Callable[[Texts, Sequence[Texts]], "Parts"]
"""(items,) responses and (items,) of one or more references in, (items, parts) out."""
PerItem = Callable[[Texts, Sequence[Texts]], Sequence[float]]
Remark = Callable[[Texts, Sequence[Texts]], Said | None]


class Embedder(NamedTuple):
    name: str
    embed: Callable[[Texts], "NDArray[np.float32]"]
    """Texts in, unit vectors out: (texts, dimensions)."""
    is_cut: Callable[[Texts], Sequence[bool]] = lambda texts: [False] * len(texts)
    """Which texts are longer than the embedder reads."""
    unknown: Callable[[Texts], float] = lambda _: 0.0
    """The share of the texts' tokens that stand for what its vocabulary lacks."""


class Given(NamedTuple):
    """What a metric is made for."""

    cfg: EvalConfig
    language: Language
    """Of the references."""
    tokens: Tokenizer
    rouge_tokens: Tokenizer
    embedder: Callable[[], Embedder] | None
    """Loads it; None where no metric needs one."""
    histories: Sequence[Sequence[dict[str, str]]] = ()
    """(items,) of messages before the answer, each with ``role`` and ``content``."""


class Made(NamedTuple):
    """What a metric is for given settings."""

    signature: str
    """Scores with unequal signatures must not be compared."""
    score: Score
    remark: Remark | None = None
    """What a reader of these scores must know of these very texts; None where there is nothing to say."""


def mean(sums: Parts) -> Parts:
    """The total of a plain metric, whose parts are (score, 1): (..., 2) in, (...) out."""
    import numpy as np

    score, count = sums[..., 0], sums[..., 1]
    found: Parts = np.divide(score, count, out=np.zeros_like(score), where=count > 0)
    return found


def per_item(signature: str, score: PerItem, remark: Remark | None = None) -> Made:
    """A metric whose aggregate is the mean of the items' scores."""

    def parts(responses: Texts, references: Sequence[Texts]) -> Parts:
        import numpy as np

        scores = np.asarray(score(responses, references), dtype=np.float64)
        return np.column_stack([scores, np.ones_like(scores)])

    return Made(signature, parts, remark)


@dataclass(frozen=True)
class Metric:
    """A metric as its file defines it."""

    name: str
    """In ``eval.metrics``."""
    title: str
    """In tables."""
    about: dict[Language, str]
    """What it is, in a line, for readers who have the table and not the documentation."""
    scale: str | None
    """Of its values, such as ``0–1``; None where there is no bound."""
    make: Callable[[Given], Made]
    total: Total = mean
    """The ``total`` of an item's parts is its score, that of the sum over items the aggregate."""
    higher_is_better: bool = True
    of_answer: bool = True
    """False for a metric of length itself, or of the references: there is nothing to hold length equal for."""
    diagnostic: bool = False
    """It says how answers are, not whether they are better, and has no vote in a verdict."""
    unfit: Callable[[EvalConfig, Sequence[Texts], Callable[[], Embedder], bool], Said | None] = lambda *_: None
    """Why its scores would say nothing of answers to these references; the last argument is
    :attr:`mentalft.records.Asked.demonstration`."""
    needs_embedder: bool = False
    """It asks for :attr:`Given.embedder`."""
    has_model: bool = False
    """It loads a model of its own, which one process holds."""
    measured: bool = False
    """Its parts are measured where the model is; it is asked for by a setting of its own, not in ``eval.metrics``."""
    check: Callable[[], object] = lambda: None
    """Raises ConfigError where a package that it needs is missing."""
    title_zh: str = ""
    """The title in Chinese, where that is another."""

    @property
    def said(self) -> Said:
        """The title, for a reader of either language."""
        return Said("metric.title", {"title": {"en": self.title, "zh": self.title_zh or self.title}})


@dataclass(frozen=True)
class Scorer:
    """A metric made for given settings."""

    metric: Metric
    signature: str
    score: Score
    remark: Remark | None = None

    @property
    def name(self) -> str:
        return self.metric.name

    @property
    def title(self) -> str:
        return self.metric.title

    @property
    def scale(self) -> str | None:
        return self.metric.scale

    @property
    def higher_is_better(self) -> bool:
        return self.metric.higher_is_better

    @property
    def of_answer(self) -> bool:
        return self.metric.of_answer

    @property
    def total(self) -> Total:
        return self.metric.total

    def role(self, primary: str) -> Role:
        """Its part in a comparison whose primary metric is called ``primary``."""
        return DIAGNOSTIC if self.metric.diagnostic else PRIMARY if self.name == primary else SECONDARY


_registered: dict[str, Metric] = {}


def register(metric: Metric) -> Metric:
    """Make ``metric`` known by its name.

    Raises:
        ValueError: another one has that name.
    """
    if metric.name in _registered:
        raise ValueError(f"two metrics are called {metric.name!r}")
    _registered[metric.name] = metric
    return metric


@cache
def registry() -> dict[str, Metric]:
    """Every metric, by name."""
    for module in pkgutil.iter_modules(mentalft.metrics.__path__):
        import_module(f"{mentalft.metrics.__name__}.{module.name}")
    return _registered


def names() -> tuple[str, ...]:
    """What ``eval.metrics`` may hold."""
    return tuple(name for name, metric in registry().items() if not metric.measured)


def voting() -> tuple[str, ...]:
    """Those of :func:`names` that ``eval.primary`` may be."""
    return tuple(name for name in names() if not registry()[name].diagnostic)


def about(name: str, language: Language) -> str | None:
    """What a metric is, in a line; None for one that is not registered, such as an extra metric."""
    metric = registry().get(name)
    return metric.about[language] if metric else None


def titled(metrics: Iterable[MetricResult], language: Language) -> tuple[MetricResult, ...]:
    """``metrics`` under their titles in a language."""
    if language == "en":
        return tuple(metrics)
    titles = {name: metric.title_zh for name, metric in registry().items() if metric.title_zh}
    return tuple(replace(m, title=titles.get(m.metric, m.title)) for m in metrics)


def title_of(name: str) -> str:
    """What a metric is called in tables; an extra one by its name."""
    return registry()[name].title if name in registry() else name


def total_of(name: str) -> Total:
    """How parts that an earlier run stored become a score."""
    metric = registry().get(name)
    return metric.total if metric else mean


def unfit_metrics(
    cfg: EvalConfig, references: Sequence[Texts], embedder: Callable[[], Embedder], *, demonstration: bool
) -> dict[str, Said]:
    """Those of ``cfg`` that do not suit these references, and why: they are not computed.

    Raises:
        ConfigError: one of them is the primary one.
    """
    found = {name: registry()[name].unfit(cfg, references, embedder, demonstration) for name in cfg.metrics}
    unfit = {name: why for name, why in found.items() if why is not None}
    if cfg.primary in unfit:
        raise ConfigError(f"eval.primary={cfg.primary}: {told(unfit[cfg.primary])}")
    return unfit


def scorers_of(
    cfg: EvalConfig,
    references: Sequence[Texts],
    embedder: Callable[[], Embedder] | None = None,
    without: Collection[str] = (),
    histories: Sequence[Sequence[dict[str, str]]] = (),
) -> dict[str, Scorer]:
    """The metrics that ``cfg`` names, in that order, then its extra ones.

    Args:
        references: what answers will be compared with; ``eval.language=auto`` looks at them.
        embedder: called only if a metric needs it; None where none does.
        without: names of metrics to leave out.
        histories: what was asked, where answers to all of it will be scored at once; for extra metrics.

    Raises:
        ConfigError: a package, model or file that a metric needs is not there.
    """
    from mentalft.metrics.extra import load_extra

    language = language_of(references) if cfg.language == "auto" else cfg.language
    tokens = chosen(cfg.tokenizer, language)
    rouge_tokens = tokens if cfg.rouge_tokenizer == "auto" else chosen(cfg.rouge_tokenizer, language)
    given = Given(cfg, language, tokens, rouge_tokens, embedder, histories)
    found = {name: _scorer(registry()[name], given) for name in cfg.metrics if name not in without}
    for spec in (spec for spec in cfg.extra_metrics if extra_name(spec) not in without):
        extra = load_extra(spec, higher_is_better=extra_name(spec) not in cfg.lower_is_better)
        found[extra.name] = _scorer(extra, given)
    return {name: _skipping(s) for name, s in found.items()} if cfg.empty_answers == "skip" else found


def _scorer(metric: Metric, given: Given) -> Scorer:
    return Scorer(metric, *metric.make(given))


def perplexity_scorer() -> Scorer:
    """Of the references under a model: its ``score`` takes likelihoods and token counts, and no texts."""
    from mentalft.metrics.perplexity import PERPLEXITY, SIGNATURE, parts

    return Scorer(PERPLEXITY, SIGNATURE, parts)  # type: ignore[arg-type]


def stored_scorer(name: str, title: str, signature: str, *, higher_is_better: bool) -> Scorer:
    """A metric whose parts an earlier run stored; it scores nothing."""

    def score(*_: object) -> Parts:
        raise ValueError(f"{name} is taken as it is stored")

    def make(_: Given) -> Made:
        return Made(signature, score)

    known = registry().get(name)
    stored = Metric(
        name, title, {"en": title, "zh": title}, known.scale if known else None, make, total_of(name), higher_is_better,
        of_answer=known is None or known.of_answer, diagnostic=known is not None and known.diagnostic,
    )  # fmt: skip
    return Scorer(stored, signature, score)


def check_available(cfg: EvalConfig, named: Iterable[str] | None = None) -> None:
    """Look for what metrics need before anything costly has run.

    Args:
        named: the metrics; None is those of ``eval.metrics``, and the extra ones.

    Raises:
        UserError: a package, a file or the embedder cannot be had.
    """
    from mentalft.metrics.extra import load_extra
    from mentalft.modeling.embedder import load_embedder

    metrics = [registry()[name] for name in (cfg.metrics if named is None else named)]
    for metric in metrics:
        metric.check()
    if cfg.embedder not in (EMBEDDED, AUTO) and any(metric.needs_embedder for metric in metrics):
        load_embedder(cfg.embedder)
    for spec in cfg.extra_metrics if named is None else ():
        load_extra(spec)


def _skipping(scorer: Scorer) -> Scorer:
    """The metric with empty answers left out of it, as ms-swift does; it raises the mean of a model that is silent."""

    def parts(responses: Texts, references: Sequence[Texts]) -> Parts:
        import numpy as np

        answered = np.array([bool(response.strip()) for response in responses])
        return np.where(answered[:, None], scorer.score(responses, references), 0.0)

    return Scorer(scorer.metric, f"{scorer.signature}|empty:skipped", parts, scorer.remark)


def listed(language: Language) -> list[dict[str, str]]:
    """Every metric in words: name, title, scale, direction, and what it is."""
    return [
        {
            "name": metric.name,
            "title": told(metric.said, language),
            "scale": metric.scale or "",
            "better": told(Said(f"metric.{'higher' if metric.higher_is_better else 'lower'}"), language),
            "vote": "" if metric.diagnostic else "yes",
            "about": metric.about[language],
        }
        for _, metric in sorted(registry().items())
    ]
