from __future__ import annotations

from pathlib import Path

import pytest

from mentalft.config import Config
from mentalft.config.document import settings_page
from mentalft.config.fields import settings_of

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_page_of_settings_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == settings_page(), (
        "docs/settings.md is not what the schema says; python -m mentalft.config.document > docs/settings.md"
    )


def test_every_setting_is_on_the_page() -> None:
    lines = settings_page().splitlines()
    for setting in settings_of(Config):
        assert sum(line.startswith(f"| `{setting.key}` |") for line in lines) == 1, setting.key


@pytest.mark.parametrize(
    "row",
    [
        "| `lora.r` | whole number, at least 1, at most 1024 | train, preflight |",
        "| `data.num_proc` | whole number or null, at least 1 | pace |",
        "| `eval.temperature` | number, above 0 | evaluate if eval.do_sample, objective if eval.do_sample |",
    ],
)
def test_a_row_has_type_bounds_and_stages(row: str) -> None:
    assert any(line.startswith(row) for line in settings_page().splitlines())
