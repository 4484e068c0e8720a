"""What a setting may hold is said before anything runs."""

from __future__ import annotations

import re

import pytest

from mentalft.errors import ConfigError
from tests.test_conf import composed


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (
            ["eval.primary=length"],
            "eval.primary=length says how answers are, not whether they are better; accepted are ",
        ),
        (["eval.primary=rougel"], "did you mean 'rougeL'?"),
        (["eval.primary=cosine"], "eval.primary=cosine needs an embedder that suits the data"),
        (["eval.primary=wer"], "eval.primary holds 'wer'"),
        (["eval.bounds.caution.echo=-0.1"], "eval.bounds.caution.echo must be at least 0"),
    ],
)
def test_what_cannot_judge_is_no_primary_metric(overrides: list[str], words: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(words)):
        composed(*overrides)
