"""``mentalft-publish``: puts a run's adapter, or a proven export, on a hub.

Exit codes: 0 published, 1 not published, 2 wrong usage.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from mentalft.cli.apps import run_app, speak_as

app = typer.Typer(
    name="mentalft-publish", rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False
)


@app.command(no_args_is_help=True)
def publish(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The directory of a run that trained an adapter.")],
    to: Annotated[str, typer.Option(metavar="hf:OWNER/NAME|modelscope:OWNER/NAME", help="The repository.")],
    what: Annotated[str, typer.Option(metavar="NAME", help="`adapter`, or a folder of `RUN/exports`.")] = "adapter",
    public: Annotated[bool, typer.Option("--public", help="For everybody to see; private if left out.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; for scripts.")] = False,
    base_id: Annotated[
        str | None, typer.Option(metavar="OWNER/NAME", help="The base model's name there, where the run has a folder.")
    ] = None,
    base_revision: Annotated[str | None, typer.Option(metavar="COMMIT", help="Its commit.")] = None,
) -> None:
    """Publish a run's adapter or a proven export with its model card, after showing what would go.

    Dialogues, answers, keys and paths of this machine are never published.
    """
    from mentalft.publishing.hubs import HUBS
    from mentalft.publishing.publishing import NamedBase, Repository
    from mentalft.publishing.publishing import publish as published

    named = re.fullmatch(rf"({'|'.join(HUBS)}):([\w.-]+/[\w.-]+)", to, re.ASCII)
    if named is None:
        forms = " or ".join(f"{hub}:OWNER/NAME" for hub in HUBS)
        raise typer.BadParameter(f"{to!r} is no repository; give {forms}", param_hint="--to")
    if base_revision and not base_id:
        raise typer.BadParameter("it is the commit of --base-id; give that too", param_hint="--base-revision")
    speak_as(run)
    repository = Repository(named[1], named[2], public)
    published(run, repository, what, NamedBase(base_id, base_revision), lambda: yes or _agreed())


def _agreed() -> bool:
    """What the user says to it.

    Raises:
        UserError: there is nobody to ask.
    """
    from mentalft.console import language
    from mentalft.errors import UserError
    from mentalft.words import Said, told

    if not sys.stdin.isatty():
        raise UserError("nothing was sent: there is no terminal to ask at; look at the above, then add --yes")
    return typer.confirm(told(Said("publishing.agreed"), language()))


def main() -> None:
    """Entry point of the console script ``mentalft-publish``."""
    run_app(app)
