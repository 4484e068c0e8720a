"""Length quality: whether the answer is about as long as the reference. Higher is better, 0 to 1.

``min(a, b) / max(a, b)`` over the characters of answer and reference, white space aside. The published
reference case scores length alone ("longer than 50 characters is 1.0"), which rewards rambling; this
score falls on both sides of the reference's length. It says nothing of content.
"""

from __future__ import annotations

from collections.abc import Sequence

from mentalft.metrics.registry import Metric, per_item, register

SIGNATURE = "length|min/max of characters without white space|refs:max"


def length_quality(responses: Sequence[str], references: Sequence[Sequence[str]]) -> list[float]:
    """Score each response by the reference nearest in length; an empty response scores 0."""
    return [
        max(_ratio(characters(response), characters(ref)) for ref in refs)
        for response, refs in zip(responses, references, strict=True)
    ]


def characters(text: str) -> int:
    """How many there are, white space aside."""
    return len("".join(text.split()))


def _ratio(a: int, b: int) -> float:
    return min(a, b) / max(a, b) if a and b else 0.0


register(
    Metric(
        name="length",
        title="length",
        about={
            "en": "nearness of the answer's length to the nearest reference's: the shorter by the longer, "
            "1 is equally long",
            "zh": "回答长度与最近参考长度之比（短除以长），1 表示等长",
        },
        scale="0–1",
        make=lambda _: per_item(SIGNATURE, length_quality),
        of_answer=False,
        diagnostic=True,
    )
)
