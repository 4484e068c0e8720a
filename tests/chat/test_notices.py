"""Which help lines are shown."""

from __future__ import annotations

import pytest

from mentalft.chat.notices import for_message, opening, region_for
from mentalft.errors import ConfigError
from mentalft.words import Language, told


@pytest.mark.parametrize(
    ("language", "asked", "locale", "region"),
    [
        ("zh", None, "C.UTF-8", "CN"), ("zh", None, "zh_TW.UTF-8", "TW"), ("zh", None, "en_US.UTF-8", "CN"),
        ("zh", "hk", "zh_CN", "HK"), ("en", None, "en_GB.UTF-8", "GB"), ("en", None, "", "US"), ("en", "CN", "en_US", "CN"),
    ],
)  # fmt: skip
def test_the_region(
    language: Language, asked: str | None, locale: str, region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", locale or "C")
    assert region_for(language, asked) == region


def test_an_unknown_region_is_one_message() -> None:
    with pytest.raises(ConfigError, match=r"--region XX: .* CN, HK"):
        region_for("en", "XX")


def test_lines_in_use_and_those_for_emergencies_are_named() -> None:
    assert [number in told(opening("CN"), "zh") for number in ("12356", "120", "110", "12355")] == [True] * 3 + [False]
    risk = for_message("I want to die", "GB")
    assert risk is not None
    assert "116 123 (Samaritans), 999 (emergency)" in told(risk)
    assert for_message("I'm dying to see you", "GB") is None
