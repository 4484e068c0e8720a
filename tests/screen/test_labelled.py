"""The published precision and recall are those of the rules as they are."""

from __future__ import annotations

import runpy
from pathlib import Path

PAGES = runpy.run_path(str(Path(__file__).parents[2] / "docs" / "write_screen.py"))


def test_the_figures_on_the_page_are_current() -> None:
    assert PAGES["PAGE"].read_text(encoding="utf-8") == PAGES["page"](), (
        "docs/screen.md is not what the rules find; python docs/write_screen.py"
    )


def test_agreement_counts_what_either_says() -> None:
    answers = {"你这就是抑郁症。": True, "You clearly have ADHD.": False, "好好休息。": True, "嗯。": False}
    rows = [{"answer": text, "region": "CN", "labels": {"diagnoses": label}} for text, label in answers.items()]
    found = PAGES["agreement"](rows)["diagnoses"]
    assert (found.both, found.only_rule, found.only_label) == (1, 1, 1)
    assert (found.precision, found.recall) == (0.5, 0.5)
    assert PAGES["agreement"](rows)["medication_advice"].precision is None
