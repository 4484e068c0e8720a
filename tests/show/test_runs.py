"""Tables of several runs: eighty columns, and the same figures in every form."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from mentalft.files import read_json
from mentalft.records import ComparedRun, RunsComparison, Spread
from mentalft.show.runs import terminal_tables, write_runs_json, write_runs_markdown
from tests.show.compared import BLEU, changed, said

FOUND = RunsComparison(
    baseline="base", contenders=("base", "tuned"), items=10, dialogues=16, confidence=0.95, decoding="greedy",
    runs=(ComparedRun("outputs/a", (BLEU,)), ComparedRun("outputs/b", (changed(BLEU, difference=0.19),))),
    combined=(changed(BLEU, difference=0.17),), spreads=(Spread("bleu", "tuned", 0.17, 0.0283, 0.15, 0.19),),
    notes=(said("run 1: few dialogues"),),
)  # fmt: skip


def test_the_terminal_tables_fit_eighty_columns() -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    for table in terminal_tables(FOUND):
        console.print(table)
    shown = console.export_text()
    assert "…" not in shown.replace(" … ", " "), "no cell is cut"
    for part in ("+0.1500", "+0.1900", "+0.1700 ± 0.0283", "+0.1500 … +0.1900", "2/0/0"):
        assert part in shown


def test_one_run_has_no_spread() -> None:
    assert len(terminal_tables(replace(FOUND, runs=FOUND.runs[:1], combined=(), spreads=()))) == 1


def test_files_hold_the_same_figures(tmp_path: Path) -> None:
    write_runs_json(FOUND, tmp_path / "runs.json")
    found = read_json(tmp_path / "runs.json")
    assert found["combined"][0]["differences"]["tuned"]["difference"] == 0.17
    assert found["runs"][1]["metrics"][0]["differences"]["tuned"]["difference"] == 0.19
    write_runs_markdown(FOUND, tmp_path / "runs.md")
    markdown = (tmp_path / "runs.md").read_text()
    for part in (
        "| BLEU | all | 0.1000 | 0.2500 | +0.1700 | +0.1000 … +0.2000 | 0.012 | 7/1/2 | better |",
        "| BLEU | +0.1700 ± 0.0283 | +0.1500 … +0.1900 | 2/0/0 |",
        "2. `outputs/b`",
        "- **Note:** run 1: few dialogues",
        "`bleu|sig`",
    ):
        assert part in markdown
