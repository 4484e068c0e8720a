"""Who judges, and that no text leaves the machine unasked."""

from __future__ import annotations

import pytest

from mentalft.config.judge import is_loopback
from mentalft.errors import ConfigError
from tests.test_conf import composed

HERE = ["stages=[judge]", "judge=openai", "judge.model=m", "judge.base_url=http://localhost:8000/v1"]


def test_a_judge_on_this_machine_needs_no_leave() -> None:
    assert composed(*HERE).judge.rubric == "overall"


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["stages=[judge]"], "nobody is named who judges: judge=openai judge.base_url=URL judge.model=NAME"),
        (["stages=[judge]", "judge=openai"], "judge.base_url has no value.*\njudge.model has no value"),
        (
            [*HERE, "judge.base_url=https://api.example.com/v1"],
            "api.example.com is not this machine.*judge.send_text=true",
        ),
        ([*HERE, "judge.base_url=localhost:8000"], "judge.base_url must begin with http:// or https://"),
        ([*HERE, "judge.items=1"], "judge.items must be at least 2, got 1"),
    ],
)
def test_what_is_wrong_is_said(overrides: list[str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        composed(*overrides)


def test_text_goes_elsewhere_where_that_is_allowed() -> None:
    cfg = composed(*HERE, "judge.base_url=https://api.example.com/v1", "judge.send_text=true")
    assert cfg.judge.base_url == "https://api.example.com/v1"
    assert composed("judge=openai", "judge.base_url=https://api.example.com/v1").judge.model is None, (
        "nothing is judged"
    )


@pytest.mark.parametrize(
    ("url", "is_here"),
    [
        ("http://localhost:8000/v1", True),
        ("http://127.0.0.1/v1", True),
        ("http://127.8.9.1/v1", True),
        ("http://[::1]:8000/v1", True),
        ("http://10.0.0.2/v1", False),
        ("http://localhost.example.com/v1", False),
        ("http://127.0.0.1@example.com/v1", False),
        ("http://127.0.0.1.example.com/v1", False),
        ("http://0.0.0.0/v1", False),
    ],
)
def test_loopback(url: str, is_here: bool) -> None:
    assert is_loopback(url) == is_here
