"""The comparison as files and on screen: the same figures everywhere."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from mentalft.records import Comparison, Group, Interval, LengthControlled, MetricComparison
from mentalft.show.markdown import caption_of
from mentalft.show.tables import read_comparison, terminal_table, write_comparison

BLEU = MetricComparison(
    "bleu", "bleu|sig", 0.1, 0.25, 0.15, Interval(0.1, 0.2), 7, 1, 2, 0.0004, 0.012, 0.07, "better",
    length_controlled=LengthControlled(0.11, Interval(0.05, 0.17), extrapolated=True),
    by_topic=(Group("sleep|work", 6, 12, 0.2, Interval(0.1, 0.3)), Group("other", 4, 4, 0.05, None)),
)  # fmt: skip
COMPARISON = Comparison(
    items=10, dialogues=16, confidence=0.95, resamples=1000, seed=1, decoding="greedy", metrics=(BLEU,),
    responses={side: {"mean_characters": 41.5, "length_ratio": 0.75} for side in ("base", "tuned")},
    checks={"base": {"echo": 0.5, "cut": 0.1}, "tuned": {"echo": 0.0, "cut": 0.1}},
    warnings=("half of the base answers repeat the question",),
    notes=("one text is cut",),
)  # fmt: skip
TITLES = {"bleu": "BLEU"}


def test_files_hold_the_same_figures_and_come_back(tmp_path: Path) -> None:
    write_comparison(COMPARISON, TITLES, tmp_path)
    assert read_comparison(tmp_path) == (COMPARISON, TITLES)
    (row,) = csv.DictReader((tmp_path / "comparison.csv").open())
    assert (float(row["tuned"]), float(row["low"]), row["verdict"]) == (0.25, 0.1, "better")
    assert (float(row["p_holm"]), float(row["equal_length_low"])) == (0.012, 0.05)


def test_markdown_warns_first_and_shows_where_the_difference_is(tmp_path: Path) -> None:
    write_comparison(COMPARISON, TITLES, tmp_path)
    markdown = (tmp_path / "comparison.md").read_text()
    for part in (
        "10 items from 16 dialogues",
        "| BLEU | 0.1000 | 0.2500 | +0.1500 | +0.1000 … +0.2000 | <0.001 | 0.012 | 7/1/2 | 0.0700 "
        "| +0.1100* (+0.0500 … +0.1700) | better |",
        "Holm p is below 0.05",
        "| sleep\\|work | 6 | 12 | +0.2000 (+0.1000 … +0.3000) |",
        "| other | 4 | 4 | +0.0500 (too few) |",
        "| base | 42 | 0.75 | 50.0% | 10.0% |",
        "- One text is cut.",
        "`bleu|sig`",
    ):
        assert part in markdown
    assert markdown.index("half of the base answers") < markdown.index("| metric |")
    assert "By turn" not in markdown, "there are no groups of turns"


def test_a_metric_that_falls_says_so(tmp_path: Path) -> None:
    perplexity = replace(BLEU, metric="perplexity", higher_is_better=False, length_controlled=None, base=12345.6)
    write_comparison(replace(COMPARISON, metrics=(perplexity,)), {"perplexity": "perplexity"}, tmp_path)
    assert "| perplexity (lower is better) | 12346 |" in (tmp_path / "comparison.md").read_text()


@pytest.mark.parametrize("width", [80, 120])
def test_the_terminal_table_fits(width: int) -> None:
    console = Console(width=width, record=True, file=io.StringIO())
    worst = replace(
        BLEU, wins=1000, ties=1000, losses=1000, interval=Interval(-0.1, 0.1), verdict="no evidence of a difference"
    )
    titles = {"bleu": "perplexity"}
    console.print(terminal_table(replace(COMPARISON, metrics=(worst,)), titles, width))
    shown = console.export_text()
    table = [line for line in shown.splitlines() if "0.1000" in line or "verdict" in line]
    assert "…" not in "".join(table).replace(" … ", " "), "no cell is cut"
    assert len(table) == 2, "no row is folded"
    for part in ("perplexity", "0.012", "+0.1100*", "no evidence"):
        assert part in shown
    assert ("1000/1000/1000" in shown) == (width == 120)


@pytest.mark.parametrize(
    ("decoding", "stated"),
    [
        ("greedy", "(greedy)"),
        ("not known: the answers were given as files", "(decoding not known: the answers were given as files)"),
    ],
)
def test_the_caption_says_what_is_not_known(decoding: str, stated: str) -> None:
    assert caption_of(replace(COMPARISON, decoding=decoding)).endswith(stated)
