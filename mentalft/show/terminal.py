"""How a finished run is shown in the terminal: at its end, and again by ``mentalft-runs show``."""

from __future__ import annotations

from pathlib import Path

from mentalft.console import console, say, say_path
from mentalft.records import CAUTION, NOT_COMPARABLE, PRIMARY, UNDECIDED, Comparison, RunsComparison
from mentalft.show.comparison import comparison_table, scope_lines
from mentalft.show.evidence import evidence_in, show_evidence
from mentalft.show.language import in_language
from mentalft.show.table import WIDE, terminal
from mentalft.show.verdict import verdict_sentence
from mentalft.words import Language, Said, labels, told

STYLE = {CAUTION: "yellow", NOT_COMPARABLE: "bold red"}


def show_comparison(comparison: Comparison, run_dir: Path, language: Language = "en", *, notes: bool = False) -> None:
    """Print the verdict, the warnings, the table, how it is read, and where the rest is.

    Args:
        notes: print also what must be known of how the scores came about, as in ``comparison.md``.
    """
    comparison = in_language(comparison, language)
    say_verdict(comparison, language)
    console.print(terminal(comparison_table(comparison, language), console.width, language))
    for line in scope_lines(comparison, language):
        console.print(line, soft_wrap=False)
    if comparison.unseen:
        say(told(Said("show.unseen"), language), style="bold")
        console.print(terminal(comparison_table(comparison.unseen, language), console.width, language))
    for line in legend(console.width, language) if comparison.others else ():
        console.print(line, style="dim")
    if any(m.role == PRIMARY and d.verdict == UNDECIDED for m in comparison.metrics for d in m.differences.values()):
        say(told(Said("power.hint", {"run": str(run_dir)}), language))
    show_evidence(evidence_in(run_dir), language)
    if notes:
        for note in comparison.notes:
            console.print(told(Said("show.note", {"what": note}), language), style="dim")
    if (run_dir / "report.html").is_file():
        say_path(told(Said("show.report"), language), run_dir / "report.html")


def say_verdict(comparison: Comparison | RunsComparison, language: Language) -> None:
    """Print the headline, and what keeps it from being taken at its word."""
    say(verdict_sentence(comparison, language), style="bold")
    for gate in comparison.gates:
        say(told(Said(f"show.{gate.level}", {"what": gate.line}), language), style=STYLE[gate.level])


def legend(width: int, language: Language = "en") -> list[str]:
    """What the table's columns and words mean, in lines that fit ``width``."""
    w = labels("show", language)
    rest = [w["legend_length"], w["legend_evidence"]]
    if width < WIDE:
        return [w["legend_holm"], *rest]
    return [w["legend_p"], w["legend_holm"], w["legend_least"], *rest]
