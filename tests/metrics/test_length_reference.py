"""The published quality is a step function of length."""

from __future__ import annotations

from mentalft.metrics.length_reference import length_reference


def test_steps() -> None:
    texts = ["", " \n", "好", "好" * 19, "好" * 20, f"  {'好' * 49}\n", "好" * 50, "好" * 4000]
    assert length_reference(texts, [["x"]] * len(texts)) == [0.0, 0.0, 0.5, 0.5, 0.7, 0.7, 1.0, 1.0]
