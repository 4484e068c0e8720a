from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from mentalft.config import Config
from mentalft.config.fields import settings_of

DOCS = Path(__file__).parents[1] / "docs"
PAGES = runpy.run_path(str(DOCS / "write_settings.py"))
PAGE = str(PAGES["settings_page"]())


def test_the_page_of_settings_is_current() -> None:
    assert (DOCS / "settings.md").read_text(encoding="utf-8") == PAGE, (
        "docs/settings.md is not what the schema says; python docs/write_settings.py"
    )


def test_the_table_of_metrics_is_current() -> None:
    assert (DOCS / "metrics.md").read_text(encoding="utf-8") == PAGES["metrics_page"](), (
        "docs/metrics.md is not what the registry says; python docs/write_settings.py"
    )


def test_every_setting_is_on_the_page() -> None:
    lines = PAGE.splitlines()
    for setting in settings_of(Config):
        assert sum(line.startswith(f"| `{setting.key}` |") for line in lines) == 1, setting.key


@pytest.mark.parametrize(
    "row",
    [
        "| `lora.r` | whole number, at least 1, at most 1024 | train, preflight |",
        "| `data.num_proc` | whole number or null, at least 1 | pace |",
        "| `eval.temperature` | number, above 0 | evaluate if eval.do_sample, objective if eval.do_sample, "
        "screen if eval.do_sample |",
    ],
)
def test_a_row_has_type_bounds_and_stages(row: str) -> None:
    assert any(line.startswith(row) for line in PAGE.splitlines())
