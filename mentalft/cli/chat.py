"""``mentalft-chat``: talk to the contenders of a run, side by side.

Exit codes: 0 done, 1 the run cannot be used as asked, 2 wrong usage.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mentalft.cli.apps import run_app

if TYPE_CHECKING:
    from mentalft.chat.session import Session
    from mentalft.config import Config
    from mentalft.words import Said

app = typer.Typer(
    name="mentalft-chat", rich_markup_mode="markdown", no_args_is_help=True, add_completion=False,
    pretty_exceptions_enable=False,
)  # fmt: skip


@app.command()
def chat(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The directory of a run that trained.")],
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Ask this contender alone; may be given again.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Store each conversation in RUN/chats/ as it goes.")] = False,
    web: Annotated[bool, typer.Option("--web", help="In a browser, on this machine alone.")] = False,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Of --web; a free one from 7860 on if left out.")
    ] = None,
    language: Annotated[
        Literal["zh", "en"] | None, typer.Option(help="Of what is said; the run's report.language if left out.")
    ] = None,
    region: Annotated[
        str | None, typer.Option(metavar="CODE", help="Whose help lines are shown, such as CN, HK, US, GB.")
    ] = None,
) -> None:
    """Talk to the base and the tuned model of a run: the same message to both, each with its own history.

    **/help** lists what can be done, such as comparing them blind. Without a terminal each line of standard input is a
    message: **echo hi | mentalft-chat RUN**
    """
    from mentalft.chat.notices import region_for
    from mentalft.console import quiet_libraries, set_language
    from mentalft.runs.api import load_run

    quiet_libraries()
    settings = load_run(run).settings
    spoken = language or ("zh" if settings.report.language == "zh" else "en")
    set_language(spoken)
    whose = region_for(spoken, region)
    if web:
        from mentalft.chat.web import check_gradio

        check_gradio()
    session = _loaded(settings, run, only or [], keep)
    if web:
        from mentalft.chat.web import serve

        serve(session, whose, port)
    else:
        from mentalft.chat.terminal import Terminal

        Terminal(session(), whose, interactive=sys.stdin.isatty() and sys.stdout.isatty()).run()


def _loaded(cfg: Config, run: Path, only: list[str], keep: bool) -> Callable[[], Session]:
    """What begins a conversation with the contenders, which are loaded once."""
    from mentalft.chat.session import Session
    from mentalft.chat.voices import here, load_voices, talkers
    from mentalft.console import console, language
    from mentalft.modeling.precision import plan_precision
    from mentalft.words import Said, listed, told

    names, used = talkers(cfg, only), here(cfg)
    if used is not cfg:
        plan = plan_precision(used.trainer.precision)
        _note(Said("chat.precision", {"asked": cfg.trainer.precision, "used": plan.name}))
    if not only and (left := [name for name in cfg.eval.contenders if name not in names]):
        _note(Said("chat.not_here", {"names": listed(left)}))
    with console.status(told(Said("chat.loading", {"names": listed(names)}), language())):
        voices = load_voices(used, run, names)
    return partial(Session, used, run, voices, keep=keep)


def _note(said: Said) -> None:
    from mentalft.console import language
    from mentalft.words import told

    print(told(said, language()), file=sys.stderr)


def main() -> None:
    """Entry point of the console script ``mentalft-chat``."""
    run_app(app)
