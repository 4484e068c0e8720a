"""The comparison as files and on screen: the same figures everywhere."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from mentalft.records import Comparison, Interval, MetricComparison
from mentalft.reporting.tables import caution_of, read_comparison, terminal_table, write_comparison

BLEU = MetricComparison("bleu", "bleu|sig", 0.1, 0.25, 0.15, Interval(0.1, 0.2), 7, 1, 2)
COMPARISON = Comparison(
    items=10, dialogues=4, confidence=0.95, decoding="greedy", metrics=(BLEU,),
    responses={side: {"mean_characters": 41.5, "empty": 0.0, "cut": 0.1} for side in ("base", "tuned")},
)  # fmt: skip


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.01, 0.2, "better"),
        (-0.2, -0.01, "worse"),
        (-0.1, 0.1, "no evidence of a difference"),
        (0.0, 0.1, "no evidence of a difference"),
    ],
)
def test_the_verdict_follows_the_interval(low: float, high: float, verdict: str) -> None:
    assert replace(BLEU, interval=Interval(low, high)).verdict == verdict


def test_files_hold_the_same_figures_and_come_back(tmp_path: Path) -> None:
    write_comparison(COMPARISON, {"bleu": "BLEU"}, tmp_path)
    assert read_comparison(tmp_path) == (COMPARISON, {"bleu": "BLEU"})
    (row,) = csv.DictReader((tmp_path / "comparison.csv").open())
    assert (float(row["tuned"]), float(row["low"]), row["verdict"]) == (0.25, 0.1, "better")
    markdown = (tmp_path / "comparison.md").read_text()
    for part in (
        "| BLEU | 0.1000 | 0.2500 | +0.1500 | +0.1000 … +0.2000 | 7/1/2 | better |",
        "`bleu|sig`",
        "10 items from 4 dialogues",
    ):
        assert part in markdown


def test_the_terminal_table_fits_eighty_columns() -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    titles = {"bleu": "ROUGE-1"}
    worst = replace(BLEU, wins=1000, ties=1000, losses=1000, interval=Interval(-0.1, 0.1))
    console.print(terminal_table(replace(COMPARISON, metrics=(worst,)), titles))
    shown = console.export_text()
    table = [line for line in shown.splitlines() if "0.1000" in line or "verdict" in line]
    assert "…" not in "".join(table).replace(" … ", " "), "no cell is cut"
    assert "1000/1000/1000" in shown


def test_few_dialogues_are_cautioned_about(tmp_path: Path) -> None:
    assert "do not rely on the verdicts" in str(caution_of(COMPARISON))
    assert caution_of(replace(COMPARISON, dialogues=20)) is None
    write_comparison(COMPARISON, {"bleu": "BLEU"}, tmp_path)
    assert "**Only 4 dialogues" in (tmp_path / "comparison.md").read_text()
