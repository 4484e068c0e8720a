"""How a finished run is shown in the terminal: at its end, and again by ``mentalft-runs show``."""

from __future__ import annotations

from pathlib import Path

from mentalft.console import console, say, say_path
from mentalft.records import Comparison
from mentalft.show.tables import WIDE, terminal_table
from mentalft.show.verdict import verdict_sentence

P = "p: chance of so large a difference if there were none"
HOLM = "Holm p: corrected for the number of metrics"
LEAST_SHOWN = "least shown: the smallest true difference found four times in five"
EQUAL_LENGTH = "equal length: diff at answers of equal length, * extrapolated"
NO_EVIDENCE = "no evidence of a difference is not evidence of none"


def show_comparison(comparison: Comparison, titles: dict[str, str], run_dir: Path, *, notes: bool = False) -> None:
    """Print the verdict, the warnings, the table, how it is read, and where the rest is.

    Args:
        notes: print also what must be known of how the scores came about, as in ``comparison.md``.
    """
    say(verdict_sentence(comparison, titles), style="bold")
    for warning in comparison.warnings:
        say(f"warning: {warning}", style="yellow")
    console.print(terminal_table(comparison, titles, console.width))
    for line in legend(console.width):
        console.print(line, style="dim", markup=False)
    if notes:
        for note in comparison.notes:
            console.print(f"note: {note}", style="dim", markup=False)
    if (run_dir / "report.html").is_file():
        say_path("report", run_dir / "report.html")


def legend(width: int) -> list[str]:
    """What the table's columns and words mean, in lines that fit ``width``."""
    if width >= WIDE:
        return [f"{P}; {HOLM}", LEAST_SHOWN, EQUAL_LENGTH, NO_EVIDENCE]
    return [HOLM, EQUAL_LENGTH, NO_EVIDENCE]
