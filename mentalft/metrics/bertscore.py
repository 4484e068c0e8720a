"""BERTScore F1, rescaled: how well each token of answer and reference finds a like one, by contextual embeddings.

Zhang et al. 2020 (arXiv 1904.09675) by the authors' package, an extra: ``pip install 'mentalft[bertscore]'``. Raw
values lie close together near the top; the package's baseline for the model (the mean over unrelated sentences) is
taken as 0 and identity as 1. Higher is better; below 0 is worse than unrelated. Texts are cut at the model's 512
tokens. An empty answer scores 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from mentalft.errors import ConfigError, first_line
from mentalft.metrics.registry import Given, Made, Metric, per_item, register
from mentalft.metrics.tokens import Language

MODELS: dict[Language, str] = {"zh": "bert-base-chinese", "en": "roberta-large"}
"""The package's own choice for a language."""


class Scorer(NamedTuple):
    signature: str
    library: Any
    """A ``bert_score.BERTScorer``."""


def check_installed() -> None:
    """Raises ConfigError where the package is missing."""
    try:
        import bert_score  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "eval.metrics holds 'bertscore', whose package is not installed; pip install 'mentalft[bertscore]', "
            "or leave it out"
        ) from error


def load(model: str | None, language: Language) -> Scorer:
    """The scorer of ``model``, by default the package's model for ``language``.

    Args:
        model: a name that the package has a baseline for, or a folder whose last part is such a name.

    Raises:
        ConfigError: the package is missing, it has no baseline for the model, or the model cannot be loaded.
    """
    check_installed()
    import bert_score
    from bert_score import BERTScorer
    from bert_score.utils import model2layers

    given = model or MODELS[language]
    name = Path(given).name if Path(given).expanduser().is_dir() else given
    baselines = Path(bert_score.__file__).parent / "rescale_baseline" / language
    baseline = baselines / f"{name}.tsv"
    if name not in model2layers or not baseline.is_file():
        known = sorted(str(path.relative_to(baselines).with_suffix("")) for path in baselines.rglob("*.tsv"))
        raise ConfigError(
            f"eval.bertscore_model={given}: there is no baseline to rescale it by for language {language}; "
            f"accepted are {', '.join(known)}, or a folder of that name"
        )
    try:
        scorer = BERTScorer(
            model_type=str(Path(given).expanduser() if Path(given).expanduser().is_dir() else _downloaded(given)),
            num_layers=model2layers[name],
            lang=language,
            rescale_with_baseline=True,
            baseline_path=str(baseline),
        )
    except Exception as error:  # the libraries below raise errors of many types for a model that is not there
        raise ConfigError(
            f"eval.bertscore_model={given} cannot be loaded ({first_line(error)}); without a network, give the folder "
            f"of a downloaded model: eval.bertscore_model=FOLDER/{name}, or leave bertscore out of eval.metrics"
        ) from error
    tokenizer = scorer._tokenizer
    tokenizer.model_max_length = min(tokenizer.model_max_length, 512)  # a folder may state none
    return Scorer(
        f"bertscore|F1|model:{name}|layer:{model2layers[name]}|idf:no|rescaled:{language}|refs:max"
        f"|bert_score:{version('bert_score')}",
        scorer,
    )


def _downloaded(name: str) -> str:
    """The folder of a model on the hub, asked for once: the loaders would ask again and again, and say so each time."""
    from huggingface_hub import snapshot_download

    return snapshot_download(name, allow_patterns=["*.json", "*.safetensors", "*.model", "*.txt"], etag_timeout=10)


def bertscore(scorer: Scorer, responses: Sequence[str], references: Sequence[Sequence[str]]) -> list[float]:
    """Score each response by its best reference; an empty response scores 0.

    Args:
        responses: (items,) texts.
        references: (items,) of at least one text each; empty ones do not count.
    """
    targets = [[ref for ref in refs if ref.strip()] for refs in references]
    scored = [i for i, response in enumerate(responses) if response.strip() and targets[i]]
    scores = [0.0] * len(responses)
    if scored:
        f1 = scorer.library.score([responses[i] for i in scored], [targets[i] for i in scored])[2]
        for i, value in zip(scored, f1.tolist(), strict=True):
            scores[i] = value
    return scores


def _make(given: Given) -> Made:
    scorer = load(given.cfg.bertscore_model, given.language)
    return per_item(scorer.signature, partial(bertscore, scorer))


register(
    Metric(
        name="bertscore",
        title="BERTScore",
        about={"en": "F1 of contextual token embeddings, rescaled", "zh": "上下文词向量的 F1，经重新标定"},
        scale="about 0–1",
        make=_make,
        has_model=True,
        check=check_installed,
    )
)
