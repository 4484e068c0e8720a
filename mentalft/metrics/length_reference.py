"""The published "quality" of the reference case: a step function of the answer's length alone, 0 to 1.

It exists to reproduce a published table (``eval=reference``) and rewards rambling; :mod:`mentalft.metrics.length` is
what the default uses. Its steps are those of the published evaluation; see docs/decisions/005-length-quality.md.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from mentalft.metrics.registry import Metric, per_item, register

SIGNATURE = "length_reference|characters of the stripped answer: 0 0.0, <20 0.5, <50 0.7, else 1.0"

_FROM, _SCORES = (1, 20, 50), (0.0, 0.5, 0.7, 1.0)


def length_reference(responses: Sequence[str], references: Sequence[Sequence[str]]) -> list[float]:  # noqa: ARG001
    """Score each response by its length without white space at its ends."""
    return [_SCORES[bisect_right(_FROM, len(response.strip()))] for response in responses]


register(
    Metric(
        name="length_reference",
        title="quality (published)",
        about={
            "en": "a published step function of the answer's length; it rewards long answers",
            "zh": "已发表的按长度分级的得分",
        },
        scale="0–1",
        make=lambda _: per_item(SIGNATURE, length_reference),
        of_answer=False,
        diagnostic=True,
    )
)
