"""The comparison as files and on screen: the same figures everywhere."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from mentalft.records import Interval
from mentalft.runs.files import COMPARISON as FILE
from mentalft.show.comparison import caption_of, comparison_latex, comparison_table, write_tables
from mentalft.show.table import terminal
from mentalft.words import told
from tests.show.compared import BLEU, COMPARISON, changed, with_a_third


def test_files_hold_the_same_figures_and_come_back(tmp_path: Path) -> None:
    FILE.save(tmp_path, COMPARISON)
    assert FILE.load(tmp_path) == COMPARISON
    write_tables(COMPARISON, tmp_path)
    (row,) = csv.DictReader((tmp_path / "comparison.csv").open())
    assert (float(row["tuned"]), float(row["low"]), row["verdict"]) == (0.25, 0.1, "better")
    assert (float(row["p_holm"]), float(row["equal_length_low"])) == (0.012, 0.05)


def test_markdown_warns_first_and_shows_where_the_difference_is(tmp_path: Path) -> None:
    write_tables(COMPARISON, tmp_path)
    markdown = (tmp_path / "comparison.md").read_text()
    for part in (
        "10 items from 16 dialogues",
        "| BLEU (primary) | 0.1000 | 0.2500 | +0.1500 | +0.1000 … +0.2000 | <0.001 | 0.012 | 7/1/2 | 0.0700 "
        "| +0.1100* (+0.0500 … +0.1700) | better |",
        "Holm p is below 0.05",
        "| sleep\\|work | 6 | 12 | +0.2000 (+0.1000 … +0.3000) |",
        "| other topics | 4 | 4 | +0.0500 (too few) |",
        "| base | 42 | 0.75 | 50.0% | 10.0% |",
        "- One text is cut.",
        "`bleu|sig`",
    ):
        assert part in markdown
    assert markdown.index("half of the base answers") < markdown.index("| metric |")
    assert "By turn" not in markdown, "there are no groups of turns"


def test_a_metric_that_falls_says_so(tmp_path: Path) -> None:
    perplexity = changed(
        BLEU,
        metric="perplexity",
        title="perplexity",
        higher_is_better=False,
        length_controlled=None,
        base=12345.6,
        role="diagnostic",
    )
    write_tables(replace(COMPARISON, metrics=(BLEU, perplexity)), tmp_path)
    assert "| perplexity (lower is better) | 12346 |" in (tmp_path / "comparison.md").read_text()


@pytest.mark.parametrize("width", [80, 120])
def test_the_terminal_table_fits(width: int) -> None:
    console = Console(width=width, record=True, file=io.StringIO())
    worst = changed(
        BLEU, title="perplexity", wins=1000, ties=1000, losses=1000, interval=Interval(-0.1, 0.1), verdict="undecided"
    )
    console.print(terminal(comparison_table(replace(COMPARISON, metrics=(worst,))), width))
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
        (None, "(decoding not known: the answers were given as files)"),
    ],
)
def test_the_caption_says_what_is_not_known(decoding: str | None, stated: str) -> None:
    assert told(caption_of(replace(COMPARISON, decoding=decoding))).endswith(stated)


def test_the_files_of_two_contenders_are_as_they_have_always_been(tmp_path: Path) -> None:
    write_tables(COMPARISON, tmp_path)
    assert (tmp_path / "comparison.csv").read_text().splitlines()[0] == (
        "metric,base,tuned,difference,low,high,wins,ties,losses,verdict,role,p_value,p_holm,smallest_effect,equal_length,"
        "equal_length_low,equal_length_high,signature"
    )
    markdown = (tmp_path / "comparison.md").read_text()
    assert markdown.startswith(
        "# Base against tuned on 10 items from 16 dialogues (greedy)\n\n**The tuned model is better: BLEU "
    )
    assert (
        "| metric | base | tuned | diff | 95% interval | p | Holm p | win/tie/loss | least shown | equal length | verdict |\n"
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|\n"
    ) in markdown


def test_a_third_contender_has_a_row_of_its_own(tmp_path: Path) -> None:
    three = with_a_third(COMPARISON)
    write_tables(three, tmp_path)
    rows = list(csv.DictReader((tmp_path / "comparison.csv").open()))
    assert [(row["metric"], row["contender"], float(row["base"]), float(row["score"])) for row in rows] == [
        ("bleu", "tuned", 0.1, 0.25),
        ("bleu", "other-7b", 0.1, 0.08),
    ]
    markdown = (tmp_path / "comparison.md").read_text()
    for part in (
        "Base against tuned, other-7b on 10 items",
        "| BLEU (primary) | tuned | 0.1000 | 0.2500 |",
        "|  | other-7b | 0.1000 | 0.0800 |",
        "## By topic: other-7b",
        "| other-7b | 30 | 0.50 | 25.0% | 0.0% |",
    ):
        assert part in markdown
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(terminal(comparison_table(three), 80))
    assert "other-7b" in console.export_text()


def test_every_word_of_the_chinese_files_is_chinese(tmp_path: Path) -> None:
    write_tables(replace(COMPARISON, gates=(), notes=()), tmp_path, "zh")
    markdown = (tmp_path / "comparison.md").read_text()
    left = set(re.findall(r"[A-Za-z]{2,}", markdown)) - {"BLEU", "bleu", "sig", "Holm", "greedy", "sleep", "work"}
    assert left == {"items", "jsonl", "experiment", "seeds"}, "the name of a file, and a command"
    for part in (
        "基座与微调对比：10 条回答，来自 16 段对话",
        "| 指标 | 基座 | 微调 | 差异 |",
        "| 更好 |",
        "其他话题",
        "（太少）",
    ):
        assert part in markdown


def test_a_paper_gets_the_same_table() -> None:
    metrics = (changed(BLEU, title="a_b & 50%"), changed(BLEU, title="loss", role="diagnostic", higher_is_better=False))
    paper = comparison_latex(replace(COMPARISON, metrics=metrics))
    caption, tabular = paper.split("\\label{tab:mentalft}\n")
    assert "on 10 items from 16 dialogues" in caption
    assert "1000 paired bootstrap resamples" in caption
    assert "lower is better for loss.}" in caption
    assert "；loss越低越好。}" in comparison_latex(replace(COMPARISON, metrics=metrics), "zh")
    assert tabular.startswith("\\begin{tabular}{lrrrrrl}\n\\toprule\nmetric & base & tuned & diff & 95\\% interval")
    assert r"a\_b \& 50\% (primary) & 0.1000 & 0.2500 & +0.1500 & +0.1000 \ldots{} +0.2000 & 0.012 & better" in tabular
    assert tabular.endswith("\\bottomrule\n\\end{tabular}\n\\end{table}\n")
