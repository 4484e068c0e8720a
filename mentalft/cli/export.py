"""``mentalft-export``: makes something to deploy of a run, and proves that it is what was evaluated.

Exit codes: 0 exported and proven, 1 not exported, 2 wrong usage.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown")


@app.command()
def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory that got as far as evaluate.")],
    to: Annotated[str | None, typer.Option("--to", metavar="merged|adapter", help="The form to export to.")] = None,
    check: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Prove a folder that something else merged, in place.")
    ] = None,
    contender: Annotated[str, typer.Option(metavar="NAME", help="Which contender; it must have an adapter.")] = "tuned",
    dtype: Annotated[
        str | None,
        typer.Option(metavar="float32|bfloat16|float16", help="Of the weights; what the run evaluated in if left out."),
    ] = None,
    prompts: Annotated[int, typer.Option(min=1, metavar="N", help="How many prompts the proof asks.")] = 20,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where to; RUN/exports/FORM if left out.")] = None,
) -> None:
    """Export a run's model, and prove that it answers as it was evaluated."""
    raise NotImplementedError


def main() -> None:
    """Entry point of the console script ``mentalft-export``."""
    app()
