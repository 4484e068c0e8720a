"""``mentalft-review``: people compare the answers of a run without knowing whose they are.

Exit codes: 0 done, 1 the run or the files cannot be used as asked, 2 wrong usage.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mentalft.cli.apps import language_of, run_app, speak_as

app = typer.Typer(
    name="mentalft-review",
    help="Have people compare the answers of a run blind, and see what they found.",
    rich_markup_mode="markdown",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Run = Annotated[Path, typer.Argument(metavar="RUN", help="A run directory that holds a comparison.")]


@app.command()
def export(
    run: Run,
    items: Annotated[int, typer.Option(min=2, max=1000, help="Pairs of answers on each page.")] = 60,
    raters: Annotated[int, typer.Option(min=1, max=99, help="Pages, one for each; all see the same pairs.")] = 3,
    repeat: Annotated[int, typer.Option(min=0, max=50, help="Percent of the pairs that are shown twice.")] = 10,
    rubric: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="overall (no ratings), cpsycoun, counselbench, or a YAML file.")
    ] = "overall",
    language: Annotated[
        str, typer.Option(metavar="auto|zh|en", help="That the pages open in; auto is that of the references.")
    ] = "auto",
    seed: Annotated[int | None, typer.Option(min=0, help="Of what is drawn; that of the run if left out.")] = None,
) -> None:
    """Write a page for each rater, and the key that says what is what on them."""
    from mentalft.console import say, say_path
    from mentalft.judging.rubric import load_rubric
    from mentalft.review.export import Asked
    from mentalft.review.export import export as write_pages
    from mentalft.runs.files import ITEMS
    from mentalft.runs.loading import check_finished
    from mentalft.runs.place import held
    from mentalft.show.language import ASKED, language_for
    from mentalft.words import Said

    if language not in ASKED:
        raise typer.BadParameter(f"{language!r} is none of {', '.join(ASKED)}", param_hint="--language")
    check_finished(run)
    asked = Asked(items, raters, repeat, load_rubric(rubric, "--rubric"), seed)
    speak_as(run)
    spoken = language_for(language, (text for item in ITEMS.load(run) for text in item.references))
    with held(run):
        key, pages = write_pages(run, asked, spoken)
    shown = [question.kind for question in next(iter(key.pages.values()))]
    counts = {"pairs": shown.count("pair"), "repeats": shown.count("repeat"), "guesses": shown.count("guess")}
    drawn = {"export": key.export, "of": key.sampled.pairs, "metric": key.sampled.metric}
    say(Said("review.exported", {**counts, **drawn}))
    if key.sampled.identical:
        say(Said("review.identical", {"count": key.sampled.identical}))
    if "attention" not in shown:
        say(Said("review.no_attention"), style="yellow")
    for page in pages:
        say_path(Said("review.page"), page)
    say(Said("review.keep_key", {"run": str(run)}))


@app.command("import")
def import_(
    run: Run,
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE", help="That raters' pages saved; none: what was imported.")
    ] = None,
) -> None:
    """Take in what raters saved, and show what they found so far. Files of earlier imports stay."""
    from mentalft.config.report import ReportConfig
    from mentalft.console import language, say
    from mentalft.review.analysis import evaluate
    from mentalft.review.answers import take_in
    from mentalft.review.evidence import evidence_of
    from mentalft.runs.loading import check_finished
    from mentalft.runs.place import held
    from mentalft.show.evidence import show_evidence
    from mentalft.show.model_card import write_card
    from mentalft.show.writing import REPORT, report
    from mentalft.words import Said

    check_finished(run)
    speak_as(run)
    with held(run):
        for line in take_in(run, files or []):
            say(line)
        evaluate(run)
        found = evidence_of(run)
        show_evidence([found] if found else [], language())
        write_card(run)
        html = (run / REPORT).is_file()
        report(ReportConfig(language=language_of(run), html=html, plots=False), run)  # type: ignore[arg-type]
    say(Said("review.written", {"run": str(run)}))


@app.command()
def pairs(
    run: Run,
    to: Annotated[Path, typer.Option(metavar="FILE", help="A new JSONL file.")],
) -> None:
    """Write what raters preferred as pairs of prompt, chosen and rejected, for DPO."""
    from mentalft.console import say
    from mentalft.review.pairs import write_pairs
    from mentalft.runs.loading import check_finished
    from mentalft.words import Said

    check_finished(run)
    speak_as(run)
    found = write_pairs(run, to)
    say(Said("review.pairs", {"pairs": found.pairs, "undecided": found.undecided, "path": str(to)}))
    say(Said("review.pairs_are_test"), style="yellow")


def main() -> None:
    """Entry point of the console script ``mentalft-review``."""
    run_app(app)
