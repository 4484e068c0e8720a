"""``mentalft-runs``: looks at what ran. ``mentalft`` runs experiments; this command runs nothing.

Exit codes: 0 done, 1 the runs cannot be used as asked or (``verify``) something differs, 2 wrong usage.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from mentalft.cli.program import run_program, speak_as
from mentalft.errors import DataError

app = typer.Typer(
    name="mentalft-runs",
    help="Look at what mentalft ran. Nothing is run, and no result is changed.",
    rich_markup_mode="markdown",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
PLACES = (Path("outputs"), Path("multirun"))
"""Where runs are, seen from the working directory."""
LEAST_DIFFERENCE = 1e-6


@app.command("list")
def list_(
    roots: Annotated[
        list[Path] | None, typer.Argument(metavar="ROOT", help="Folders of runs; outputs and multirun if left out.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Show the newest N alone.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
) -> None:
    """Show which runs there are, newest first: when, from what, how far they got, what they found."""
    from mentalft.console import console, language, say, unbroken
    from mentalft.runs.listing import list_runs
    from mentalft.show.listing import runs_table
    from mentalft.words import Said, listed

    for root in roots or []:
        if not root.is_dir():
            raise DataError(f"{root} is no directory; give folders of runs, such as outputs")
    found = list_runs(roots or PLACES)
    runs = found[:limit]
    if json:
        _print_json([run.to_json() for run in runs])
        return
    speak_as(*(Path(run.directory) for run in runs[:1]))
    if not runs:
        say(Said("cli.no_runs", {"places": listed([*map(str, roots or PLACES)])}))
        return
    with unbroken():
        console.print(runs_table(runs, console.width, language(), one_line=not console.is_terminal))
    if len(runs) < len(found):
        say(Said("cli.older_runs", {"count": len(found) - len(runs)}), style="dim")


def _print_json(rows: list[Any]) -> None:
    from orjson import OPT_INDENT_2, dumps

    print(dumps(rows, option=OPT_INDENT_2).decode())


@app.command()
def show(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.")],
    open_: Annotated[
        bool | None,
        typer.Option("--open/--no-open", help="Open report.html in a browser; by default where there is a screen."),
    ] = None,
) -> None:
    """Print a finished run again, and open its report."""
    from mentalft.console import console, language, say, shown
    from mentalft.runs.files import COMPARISON
    from mentalft.runs.loading import check_finished
    from mentalft.show.terminal import show_comparison
    from mentalft.words import Said

    check_finished(run)
    speak_as(run)
    show_comparison(COMPARISON.load(run), run, language(), notes=True)
    say(Said("run.directory", {"path": shown(run.absolute())}))
    report = run / "report.html"
    if open_ and not report.is_file():
        raise DataError(f"{run} holds no report.html; write it: mentalft-runs report {run}")
    if report.is_file() and (open_ or (open_ is None and console.is_terminal and _has_a_screen())):
        import webbrowser

        webbrowser.open(report.absolute().as_uri())


def _has_a_screen() -> bool:
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@app.command()
def verify(run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.")]) -> None:
    """Recompute every hash, and the scores from the answers, and say what differs."""
    from mentalft.console import quiet_libraries, say, shown
    from mentalft.words import Said

    quiet_libraries()
    from mentalft.runs.verify import verify as verified
    from mentalft.stages import STAGES

    found = verified(run, STAGES)
    speak_as(run)
    for check in found.checks:
        for sentence in check.differences:
            say(Said("verify.differs", {"what": check.what, "how": sentence}), style="red")
        for sentence in check.not_looked_at:
            say(Said("verify.not_looked_at", {"what": check.what, "why": sentence}), style="yellow")
        if not check.differences and not check.not_looked_at:
            say(Said("verify.equal", {"what": check.what}))
    for sentence in found.unfinished:
        say(Said("verify.unfinished", {"what": sentence}), style="red")
    if found.other_versions:
        effect = "with" if not found.equal else "without"
        say(Said(f"verify.versions_{effect}_effect", {"versions": found.other_versions}), style="yellow")
    summary = "not_all_equal" if not found.equal else "not_complete" if found.unfinished else "all_equal"
    say(Said(f"verify.{summary}", {"run": shown(run.absolute())}))
    if summary != "all_equal":
        raise typer.Exit(1)


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Run directories over the same items.")],
    markdown: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the tables as Markdown too.")] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write every figure as JSON too.")] = None,
    pool: Annotated[
        bool | None,
        typer.Option("--pool/--side-by-side", help="Take runs as seeds of one, or their contenders as different ones."),
    ] = None,
    pair: Annotated[
        tuple[str, str] | None, typer.Option(metavar="A B", help="Hold contender B against A, in place of all.")
    ] = None,
) -> None:
    """Show any number of runs in one table: seeds of one run pooled, different systems side by side."""
    from mentalft.comparison.runs import compare_runs
    from mentalft.console import console, language, say
    from mentalft.show.evidence import across_runs, evidence_in
    from mentalft.show.runs import how_to_read, terminal_tables, write_runs_json, write_runs_markdown
    from mentalft.show.table import terminal
    from mentalft.show.terminal import say_verdict
    from mentalft.words import Said, told

    found = compare_runs(runs, pool=pool, pair=pair)
    speak_as(*runs)
    for number, run in enumerate(found.runs, 1):
        say(Said("cli.run", {"number": number, "name": run.name}))
    say_verdict(found, language())
    for note in found.notes:
        say(Said("show.note", {"what": note}), style="yellow")
    evidence = across_runs([evidence_in(run) for run in runs])
    beside = [terminal(table, console.width, language()) for table in evidence]
    for table in (*terminal_tables(found, console.width, language()), *beside):
        console.print()
        console.print(table)
    if found.combined:
        console.print()
        console.print(told(how_to_read(found), language()), style="dim", soft_wrap=False)
    if markdown:
        write_runs_markdown(found, markdown, language(), evidence)
    if json:
        write_runs_json(found, json)
    for path in filter(None, (markdown, json)):
        say(Said("cli.written", {"path": str(path)}))


@app.command()
def power(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory that holds a comparison.")],
    difference: Annotated[
        float | None,
        typer.Option(metavar="SIZE", help="To be seen, such as 0.02; what the run showed if left out."),
    ] = None,
    metric: Annotated[str | None, typer.Option(metavar="NAME", help="The primary one if left out.")] = None,
) -> None:
    """Say how many dialogues it takes to see a difference, by the scatter of a run."""
    from mentalft.comparison.planning import plan, sentences
    from mentalft.console import language, say
    from mentalft.words import Said

    if difference is not None and not LEAST_DIFFERENCE <= difference < float("inf"):
        raise typer.BadParameter(f"{difference} is no size; give a number such as 0.02", param_hint="--difference")
    speak_as(run)
    found = plan(run, difference, metric, language())
    for line in found.unfair:
        say(Said("show.not_comparable", {"what": line}), style="bold red")
    for sentence in sentences(found, observed=difference is None):
        say(sentence)


@app.command()
def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory that holds a comparison.")],
    language: Annotated[str, typer.Option(metavar="auto|zh|en", help="Of the labels.")] = "auto",
    plots: Annotated[bool, typer.Option(help="Draw plots/ again too.")] = True,
) -> None:
    """Write report.html and plots/ of a finished run again."""
    from mentalft.config.report import ReportConfig
    from mentalft.console import say_path
    from mentalft.show.language import ASKED
    from mentalft.show.writing import report as write_report
    from mentalft.words import Said

    if language not in ASKED:
        raise typer.BadParameter(f"{language!r} is none of {', '.join(ASKED)}", param_hint="--language")
    path = write_report(ReportConfig(language=language, html=True, plots=plots), run)  # type: ignore[arg-type]
    if path is None:
        raise typer.Exit(1)
    speak_as(run)
    say_path(Said("sweep.report"), path)


@app.command()
def sweep(
    sweep_dir: Annotated[Path, typer.Argument(metavar="SWEEP_DIR", help="Such as multirun/2026-11-23/14-22-01.")],
) -> None:
    """Show what a sweep came to, and write its sweep.md, .csv, .json and .html again."""
    from mentalft.console import say_path, set_language
    from mentalft.runs.sweep_files import read_plan
    from mentalft.show.sweep import show_sweep, write_sweep
    from mentalft.words import Said

    plan = read_plan(sweep_dir)
    set_language(plan.language if plan else "en")
    write_sweep(sweep_dir, again=True)
    show_sweep(sweep_dir, notes=True)
    say_path(Said("sweep.page"), sweep_dir.absolute() / "sweep.html")


@app.command()
def metrics(json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False) -> None:
    """Show which metrics there are: name in eval.metrics, scale, which direction is better, and what it measures."""
    from mentalft.console import console, language
    from mentalft.metrics.registry import listed
    from mentalft.show.table import Cell, Column, Table, terminal
    from mentalft.words import Said

    speak_as()
    rows = listed("en" if json else language())
    if json:
        _print_json(rows)
        return

    def column(key: str, *, wraps: bool = False) -> Column[dict[str, str]]:
        return Column(
            key, Said(f"cli.metric_{key}"), lambda row: Cell(row[key]), left=True, wraps=wraps, keeps=not wraps
        )

    columns = [*map(column, ("name", "title", "scale", "better")), column("about", wraps=True)]
    console.print(terminal(Table(columns, rows), console.width, language()))


@app.command()
def workspace(
    project: Annotated[str, typer.Argument(metavar="ENTITY/PROJECT", help="The W&B project that gets the view.")],
) -> None:
    """Add a view to a W&B project: curves, scores before and after, sweeps. Needs mentalft[workspaces]."""
    from mentalft.console import say
    from mentalft.tracking.workspace import save_workspace
    from mentalft.words import Said

    say(Said("cli.workspace", {"url": save_workspace(project)}))


def main() -> None:
    """Entry point of the console script ``mentalft-runs``."""
    run_program(app)
