"""What the commands beside ``mentalft`` share: their language, and how they end."""

from __future__ import annotations

import locale
import os
import sys
from pathlib import Path

import typer

from mentalft.errors import UserError, show_any_character


def language_of(run: Path) -> str:
    """``report.language`` of a run: ``auto``, ``zh`` or ``en``."""
    from omegaconf import OmegaConf

    from mentalft.runs.manifest import RESOLVED

    try:
        return str(OmegaConf.load(run / RESOLVED).report.language)
    except Exception:  # a run whose settings cannot be read is spoken of in English
        return "en"


def speak_as(*runs: Path) -> None:
    """Chinese where all the runs do; without any, where the locale is."""
    from mentalft.console import set_language

    variables = map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))
    here = next(filter(None, variables), locale.getlocale()[0] or "").lower()
    asked = set(map(language_of, runs)) if runs else {"zh" if here.startswith(("zh", "chinese")) else "en"}
    set_language("zh" if asked == {"zh"} else "en")


def run_app(app: typer.Typer) -> None:
    """Run a command; a user's mistake is its message, and exit code 1."""
    show_any_character()
    try:
        app()
    except UserError as error:
        _fail(app, str(error))
    except OSError as error:
        _fail(app, f"{error.filename}: {error.strerror}; name another file" if error.filename else str(error))


def _fail(app: typer.Typer, message: str) -> None:
    for line in message.splitlines():
        print(f"{app.info.name}: {line}", file=sys.stderr)
    sys.exit(1)
