"""``mentalft-runs``: looks at what ran. ``mentalft`` runs experiments; this command runs nothing.

Exit codes: 0 done, 1 the runs cannot be used as asked, 2 wrong usage.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from mentalft.errors import UserError

app = typer.Typer(
    name="mentalft-runs",
    help="Look at what mentalft ran. Nothing is run, and no result is changed.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Run directories over the same items.")],
    markdown: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the tables as Markdown too.")] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write every figure as JSON too.")] = None,
) -> None:
    """Show any number of runs in one table: each run, all together, and the spread between them."""
    from mentalft.console import console
    from mentalft.reporting.runs import HOW_TO_READ, terminal_tables, write_runs_json, write_runs_markdown
    from mentalft.stages.compare_runs import compare_runs

    found = compare_runs(runs)
    for number, run in enumerate(found.runs, 1):
        console.print(f"run {number}: {run.name}", markup=False)
    for note in found.notes:
        console.print(f"note: {note}", style="yellow", markup=False)
    for table in terminal_tables(found):
        console.print()
        console.print(table)
    if found.combined:
        console.print()
        console.print(HOW_TO_READ, style="dim", markup=False, soft_wrap=False)
    if markdown:
        write_runs_markdown(found, markdown)
    if json:
        write_runs_json(found, json)


@app.command()
def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory that holds a comparison.")],
    language: Annotated[str, typer.Option(metavar="auto|zh|en", help="Of the labels.")] = "auto",
    plots: Annotated[bool, typer.Option(help="Draw plots/ again too.")] = True,
) -> None:
    """Write report.html and plots/ of a finished run again."""
    from mentalft.config_report import ReportConfig
    from mentalft.console import say_path
    from mentalft.reporting.report_words import ASKED
    from mentalft.stages.report import report as write_report

    if language not in ASKED:
        raise typer.BadParameter(f"{language!r} is none of {', '.join(ASKED)}", param_hint="--language")
    path = write_report(ReportConfig(language=language, html=True, plots=plots), run)  # type: ignore[arg-type]
    if path is None:
        raise typer.Exit(1)
    say_path("report", path)


@app.command()
def sweep(
    sweep_dir: Annotated[Path, typer.Argument(metavar="SWEEP_DIR", help="Such as multirun/2026-11-23/14-22-01.")],
) -> None:
    """Show what a sweep came to, and write its sweep.md, .csv, .json and .html again."""
    from mentalft.console import console, shown
    from mentalft.reporting.sweep import read_sweep, terminal_tables, write_sweep

    write_sweep(sweep_dir, again=True)
    found = read_sweep(sweep_dir)
    for note in found.notes:
        console.print(f"note: {note}", style="yellow", markup=False)
    for table in terminal_tables(found):
        console.print(table)
        console.print()
    console.print(f"page: {shown((sweep_dir / 'sweep.html').absolute())}", markup=False)


def main() -> None:
    """Entry point of the console script ``mentalft-runs``."""
    try:
        app()
    except UserError as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"{error.filename}: {error.strerror}; name another file" if error.filename else str(error))


def _fail(message: str) -> None:
    for line in message.splitlines():
        print(f"mentalft-runs: {line}", file=sys.stderr)
    sys.exit(1)
