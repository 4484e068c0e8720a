"""What a finished run says in the terminal: verdict and warnings first, then the table and how it is read."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len

from mentalft.console import console
from mentalft.show.terminal import legend, show_comparison
from tests.show.compared import BLEU, COMPARISON, changed


def test_verdict_warnings_table_legend_and_report_in_that_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "report.html").write_text("")
    console.width, width = 120, console.width
    try:
        show_comparison(COMPARISON, tmp_path, notes=True)
    finally:
        console.width = width
    said = capsys.readouterr().out
    parts = [
        "The tuned model is better: BLEU +0.15 (95 % +0.10 … +0.20), on 10 replies", "Caution: half of the base answers", "caution: half of the base answers", "Holm p", "+0.1500",
        "Holm p: corrected", "four times in five", "not evidence of none", "note: one text is cut", "report: ",
    ]  # fmt: skip
    places = [said.index(part) for part in parts]
    assert places == sorted(places)


def test_the_legend_explains_no_column_that_is_not_there() -> None:
    assert "least shown" in " ".join(legend(120))
    assert "least shown" not in " ".join(legend(80))


@pytest.mark.parametrize("width", [80, 118, 200])
def test_the_legend_fits_the_terminal(width: int) -> None:
    assert max(map(len, legend(width))) <= width


@pytest.mark.parametrize("width", [80, 130])
def test_a_chinese_terminal_is_wholly_chinese_and_fits(
    width: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    console.width, before = width, console.width
    try:
        show_comparison(replace(COMPARISON, gates=(), notes=()), tmp_path, "zh")
    finally:
        console.width = before
    said = capsys.readouterr().out
    command = {"experiment", "seeds"}
    assert set(re.findall(r"[A-Za-z]{2,}", said)) == {"BLEU", "Holm", "greedy", *command}
    assert "微调后的模型更好：BLEU +0.15（95% 区间 +0.10 … +0.20）" in said
    assert max(map(cell_len, said.splitlines()[1:])) <= width


def test_no_evidence_names_the_command_that_plans_for_more(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for verdict, named in (("undecided", True), ("better", False)):
        show_comparison(replace(COMPARISON, metrics=(changed(BLEU, verdict=verdict),)), tmp_path)
        assert ("mentalft-runs power" in capsys.readouterr().out) == named
