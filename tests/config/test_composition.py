"""What a configuration leaves to be found out is found out once, where it is made."""

from __future__ import annotations

import pytest

from tests.test_conf import composed


def test_the_primary_metric_is_always_computed() -> None:
    assert composed("eval.metrics=[bleu]").eval.metrics == ["rougeL", "bleu"]
    assert composed("eval.metrics=[bleu,rougeL]").eval.metrics == ["bleu", "rougeL"]
    extra = composed("eval.metrics=[bleu]", "eval.extra_metrics=[./wer.py]", "eval.primary=wer").eval
    assert extra.metrics == ["bleu"]


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ([], "mentalft-tiny"),
        (["model.name_or_path=/models/my-model/"], "my-model"),
        (["model.name_or_path=someone/a-model"], "a-model"),
        (["model=qwen2_5_7b"], "Qwen2.5-7B-Instruct"),
        (["model=qwen2_5_7b", "model.name_or_path=../other"], "other"),
        (["model.name_or_path=/models/x", "model.name=mine"], "mine"),
    ],
)
def test_a_model_is_called_by_what_it_is(overrides: list[str], name: str) -> None:
    assert composed(*overrides).model.name == name
