"""chrF: F-score of character n-grams up to order 6, recall counting double. Higher is better, 0 to 100.

Popović 2015 (aclanthology.org/W15-3049), as ``sacrebleu`` computes it over the whole corpus. It needs no tokenizer,
so it does not depend on a dictionary; white space is left out. With several references the one with the best F
counts for an item. Long answers weigh more than short ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from mentalft.metrics.registry import Made, Metric, register

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ORDER, BETA = 6, 2


def signature() -> str:
    return f"chrf|case:mixed|eff:yes|nc:{ORDER}|nw:0|beta:{BETA}|space:no|sacrebleu:{version('sacrebleu')}"


def parts(responses: Sequence[str], references: Sequence[Sequence[str]]) -> NDArray[np.float64]:
    """sacrebleu's sufficient statistics of each answer.

    Returns:
        (items, 18): for each order the n-grams of the answer, of the reference, and in common.
    """
    import numpy as np

    metric = _metric()
    rows = [
        metric._compute_segment_statistics(response, metric._extract_reference_info(list(refs)))
        for response, refs in zip(responses, references, strict=True)
    ]
    return np.array(rows, dtype=np.float64).reshape(len(rows), 3 * ORDER)


def total(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """sacrebleu's corpus score of summed statistics: (..., 18) in, (...) out.

    Precision and recall are averaged over the orders of which both sides have n-grams.
    """
    import numpy as np

    counts = sums.reshape(*sums.shape[:-1], ORDER, 3)
    answer, reference, common = counts[..., 0], counts[..., 1], counts[..., 2]  # (..., order)
    used = (answer > 0) & (reference > 0)
    orders = np.maximum(used.sum(axis=-1), 1)
    precision = np.divide(common, answer, out=np.zeros_like(common), where=used).sum(axis=-1) / orders
    recall = np.divide(common, reference, out=np.zeros_like(common), where=used).sum(axis=-1) / orders
    bottom = BETA**2 * precision + recall
    score = (1 + BETA**2) * precision * recall
    found: NDArray[np.float64] = np.divide(100 * score, bottom, out=np.zeros_like(score), where=bottom > 0)
    return found


def _metric() -> Any:
    from sacrebleu.metrics import CHRF

    return CHRF(char_order=ORDER, word_order=0, beta=BETA)


register(
    Metric(
        name="chrf",
        title="chrF",
        about={
            "en": "F2 of character 1- to 6-grams over all answers",
            "zh": "全部回答的 1 至 6 元字符组 F2 值",
        },
        scale="0–100",
        make=lambda _: Made(signature(), parts),
        total=total,
    )
)
