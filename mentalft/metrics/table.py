"""Which metric a name in the configuration stands for: its function, how items add up, and its signature."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mentalft.config import EvalConfig, extra_name
from mentalft.metrics import bertscore as _bertscore
from mentalft.metrics import bleu as _bleu
from mentalft.metrics import chrf as _chrf
from mentalft.metrics import corpus_bleu as _corpus_bleu
from mentalft.metrics import distinct as _distinct
from mentalft.metrics import length as _length
from mentalft.metrics import length_reference as _length_reference
from mentalft.metrics import meteor as _meteor
from mentalft.metrics import perplexity as _perplexity
from mentalft.metrics import rouge as _rouge
from mentalft.metrics import rouge_sets as _rouge_sets
from mentalft.metrics.cosine import Embed, cosine, cut_texts
from mentalft.metrics.extra import load_extra
from mentalft.metrics.tokens import Language, Tokenizer, chosen, language_of

Parts = NDArray[np.float64]
"""(items, parts): what each item adds to the score."""
Total = Callable[[Parts], NDArray[np.float64]]
"""Sums of parts (..., parts) in, score (...) out; 0 where there is nothing to divide by."""
PerItem = Callable[[Sequence[str], Sequence[Sequence[str]]], Sequence[float]]


class Metric(NamedTuple):
    title: str
    signature: str
    """Scores with unequal signatures must not be compared."""
    score: Callable[[Sequence[str], Sequence[Sequence[str]]], Parts]
    """(items,) responses and (items,) of one or more references in, (items, parts) out. A row's ``total`` is the item's
    score; the ``total`` of the sum over items is the aggregate."""
    total: Total
    higher_is_better: bool = True
    remark: Callable[[Sequence[str], Sequence[Sequence[str]]], str | None] | None = None
    """What a reader of these scores must know of these very texts, in words; None where there is nothing to say."""


class Embedder(NamedTuple):
    name: str
    embed: Embed
    is_cut: Callable[[Sequence[str]], Sequence[bool]] = lambda texts: [False] * len(texts)
    """Which texts are longer than the embedder reads."""


def mean(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """The total of a plain metric, whose parts are (score, 1): (..., 2) in, (...) out."""
    score, count = sums[..., 0], sums[..., 1]
    return np.divide(score, count, out=np.zeros_like(score), where=count > 0)


def mean_of(score: PerItem) -> Callable[[Sequence[str], Sequence[Sequence[str]]], Parts]:
    """A function that scores items as one that yields their parts."""

    def parts(responses: Sequence[str], references: Sequence[Sequence[str]]) -> Parts:
        scores = np.asarray(score(responses, references), dtype=np.float64)
        return np.column_stack([scores, np.ones_like(scores)])

    return parts


def metrics_of(
    cfg: EvalConfig, references: Sequence[Sequence[str]], embedder: Callable[[], Embedder] | None = None
) -> dict[str, Metric]:
    """The metrics that ``cfg`` names, in that order, then its extra ones.

    Args:
        references: what answers will be compared with; ``eval.language=auto`` looks at them.
        embedder: called only if a metric needs it; None where none does.

    Raises:
        ConfigError: a package, model or file that a metric needs is not there.
    """
    language = language_of(references) if cfg.language == "auto" else cfg.language
    tokens = chosen(cfg.tokenizer, language)
    rouge_tokens = tokens if cfg.rouge_tokenizer == "auto" else chosen(cfg.rouge_tokenizer, language)
    found: dict[str, Metric] = {}
    for name in cfg.metrics:
        if name.startswith("bleu"):
            found[name] = _bleu_of(int(name[4:] or 4), cfg.bleu_smoothing, tokens)
        elif name.startswith("rouge"):
            found[name] = _rouge_of(name, cfg.rouge_variant, rouge_tokens)
        elif name == "cosine" and embedder is not None:
            found[name] = _cosine_of(embedder())
        elif name == "bertscore":
            found[name] = _bertscore_of(cfg.bertscore_model, language)
        else:
            found[name] = _others(tokens, language)[name]
    for spec in cfg.extra_metrics:
        extra = load_extra(spec, higher_is_better=extra_name(spec) not in cfg.lower_is_better)
        plain = _plain(extra.name, extra.signature, extra.score)
        found[extra.name] = plain._replace(higher_is_better=extra.higher_is_better)
    return {name: _skipping(m) for name, m in found.items()} if cfg.empty_answers == "skip" else found


def check_available(cfg: EvalConfig) -> None:
    """Raises ConfigError where a metric that ``cfg`` names cannot be had, before anything costly has run."""
    if "bertscore" in cfg.metrics:
        _bertscore.check_installed()
    for spec in cfg.extra_metrics:
        load_extra(spec)


def total_of(name: str) -> Total:
    """How parts that an earlier run stored become a score; loads nothing."""
    totals = {"corpus_bleu": _corpus_bleu.total, "chrf": _chrf.total, "perplexity": _perplexity.total}
    return totals.get(name, mean)


PERPLEXITY = Metric(
    "perplexity", _perplexity.SIGNATURE, _perplexity.parts, _perplexity.total, higher_is_better=False  # type: ignore[arg-type]
)  # fmt: skip
"""Of the references under the model: its ``score`` takes the negative log-likelihoods and token counts of the items
(:func:`mentalft.metrics.perplexity.parts`), which are measured where the model is, and no texts."""


def _plain(title: str, signature: str, score: PerItem) -> Metric:
    return Metric(title, signature, mean_of(score), mean)


def _bleu_of(order: int, smoothing: str, tokens: Tokenizer) -> Metric:
    signature = _bleu.signature(order, smoothing, tokens)
    return _plain(f"BLEU-{order}", signature, partial(_bleu.bleu, order, smoothing, tokens))


def _rouge_of(kind: str, variant: str, tokens: Tokenizer) -> Metric:
    title = f"ROUGE-{kind[-1]}"
    if variant == "rouge_score":
        return _plain(title, _rouge.signature(kind, tokens), partial(_rouge.rouge, kind, tokens))
    score = partial(_rouge_sets.rouge_sets, kind, variant, tokens)
    return _plain(title, _rouge_sets.signature(kind, variant, tokens), score)


def _cosine_of(embedder: Embedder) -> Metric:
    plain = _plain("cosine", f"cosine|refs:max|embedder:{embedder.name}", partial(cosine, embedder.embed))
    return plain._replace(remark=partial(cut_texts, embedder.is_cut))


def _bertscore_of(model: str | None, language: Language) -> Metric:
    scorer = _bertscore.load(model, language)
    return _plain("BERTScore", scorer.signature, partial(_bertscore.bertscore, scorer))


def _others(tokens: Tokenizer, language: Language) -> dict[str, Metric]:
    return {
        "corpus_bleu": Metric(
            "corpus BLEU", _corpus_bleu.signature(language), partial(_corpus_bleu.parts, language), _corpus_bleu.total
        ),
        "chrf": Metric("chrF", _chrf.SIGNATURE, _chrf.parts, _chrf.total),
        "meteor": _plain("METEOR (exact)", _meteor.signature(tokens), partial(_meteor.meteor, tokens)),
        "distinct1": _plain("Distinct-1", _distinct.signature(1, tokens), partial(_distinct.distinct, 1, tokens)),
        "distinct2": _plain("Distinct-2", _distinct.signature(2, tokens), partial(_distinct.distinct, 2, tokens)),
        "length": _plain("length", _length.SIGNATURE, _length.length_quality),
        "length_reference": _plain(
            "quality (published)", _length_reference.SIGNATURE, _length_reference.length_reference
        ),
    }


def _skipping(metric: Metric) -> Metric:
    """The metric with empty answers left out of it, as ms-swift does; it raises the mean of a model that is silent."""

    def parts(responses: Sequence[str], references: Sequence[Sequence[str]]) -> Parts:
        answered = np.array([bool(response.strip()) for response in responses])
        return np.where(answered[:, None], metric.score(responses, references), 0.0)

    return metric._replace(signature=f"{metric.signature}|empty:skipped", score=parts)
