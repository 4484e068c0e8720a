"""Perplexity of the references under a model: how much the true answers surprise it. Lower is better, 1 or more.

``exp`` of the negative log-likelihood per token, summed over all references before it is divided, so that every token
weighs the same (Jelinek et al. 1977). Where an item has several references, its first is measured. It scores the model
and not its answers, so an answer that loops does not show in it; and it compares models of one tokenizer only, as
base and tuned are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mentalft.metrics.registry import Given, Made, Metric, register

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIGNATURE = "perplexity|exp(nll / tokens)|of:first reference, end of turn included|weighted:tokens"


def parts(nll: Sequence[float], tokens: Sequence[int]) -> NDArray[np.float64]:
    """What the evaluate stage measured, as parts.

    Args:
        nll: (items,) negative log-likelihood of each item's reference in nats, summed over its tokens.
        tokens: (items,) how many tokens that is.

    Returns:
        (items, 2).
    """
    import numpy as np

    return np.column_stack([np.asarray(nll, dtype=np.float64), np.asarray(tokens, dtype=np.float64)])


def total(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Perplexity of summed parts: (..., 2) in, (...) out; 0 where there are no tokens."""
    import numpy as np

    nll, tokens = sums[..., 0], sums[..., 1]
    mean = np.divide(nll, tokens, out=np.zeros_like(nll), where=tokens > 0)
    return np.where(tokens > 0, np.exp(np.minimum(mean, 700.0)), 0.0)  # exp(710) is infinite


def _make(_: Given) -> Made:
    raise ValueError("perplexity has no score of texts")


PERPLEXITY = register(
    Metric(
        name="perplexity",
        title="perplexity",
        about={
            "en": "how much the references surprise the model, a token; compare it between models of one tokenizer "
            "alone",
            "zh": "模型对参考回答的困惑度（每词元）；只在同一分词器的模型之间可比",
        },
        scale=None,
        make=_make,
        total=total,
        higher_is_better=False,
        of_answer=False,
        diagnostic=True,
        measured=True,
    )
)
