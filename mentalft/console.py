"""What people see in the terminal: plain lines, progress bars, tables.

Bars appear only on a terminal; everything said is also in the run's log.
"""

from __future__ import annotations

import io
import logging
import os
import re
import shlex
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from mentalft.errors import first_line
from mentalft.words import Language, Said, told

T = TypeVar("T")
log = logging.getLogger("mentalft")
UNBROKEN = 1 << 16


class PatientConsole(Console):
    """A console that falls silent where nobody reads on, as behind ``| head``; rich's own ends the process."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        with suppress(OSError, ValueError):  # a stream that is no file has no number
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.file.fileno())  # else Python complains at its end of what is still to be written
            os.close(nowhere)


console = PatientConsole(highlight=False, soft_wrap=True)
if not console.is_terminal:
    console.width = 120  # a file or a pipe has no width of its own, and 80 would cut the table


class RateColumn(ProgressColumn):
    """Steps a second, as measured over the last seconds."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f}/s" if speed >= 1 else f"{1 / speed:.1f} s each", style="dim")


_language: list[Language] = ["en"]


def set_language(language: Language) -> None:
    """What is said from now on is in ``language``."""
    _language[0] = language


def language() -> Language:
    """The language that the terminal is spoken to in."""
    return _language[0]


def say(said: Said | str, *, style: str | None = None) -> None:
    """Print one line and log it."""
    line = told(said, language())
    console.print(line, style=style, markup=False)
    log.info(line)


def say_path(what: Said | str, path: Path) -> None:
    """Print and log where a file is; terminals that can open links open it."""
    line = Text(f"{told(what, language())}: ").append(shown(path), style=f"link {path.absolute().as_uri()}")
    console.print(line)
    log.info(line.plain)


@contextmanager
def unbroken() -> Iterator[None]:
    """Lines are as long as they come, where the output is no terminal."""
    width = console.width
    try:
        if not console.is_terminal:
            console.width = UNBROKEN
        yield
    finally:
        if not console.is_terminal:
            console.width = width


class RunLog(logging.FileHandler):
    """A log that is given up, with one line, where it can no longer be written, as on a full disk."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002 - as logging calls it
        logging.getLogger().removeHandler(self)
        error = sys.exc_info()[1] or OSError()
        say(Said("cli.no_log", {"path": self.baseFilename, "error": first_line(error)}), style="yellow")


@contextmanager
def log_to(run_dir: Path | None) -> Iterator[None]:
    """Append to ``run_dir/mentalft.log`` what is said and what libraries warn of; None logs nowhere."""
    if run_dir is None:
        yield
        return
    handler = RunLog(run_dir / "mentalft.log", encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        with suppress(OSError):  # what is still to be written cannot be
            handler.close()


def shown(path: Path) -> str:
    """``path`` as short as it can be typed from here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


UNQUOTED = re.compile(
    r"(?!(?:null|true|false|nan|inf)$)(?:0|[1-9]\d*|\d+(?:-\d+)+|(?:\.{0,2}/|[a-z_])[\w./%@+-]*)",
    re.ASCII | re.IGNORECASE,
)
"""Text that Hydra reads as it is."""


def override(key: str, text: str) -> str:
    """The argument that gives ``key`` this very ``text``."""
    if UNQUOTED.fullmatch(text):
        return f"{key}={text}"
    # before a quotation mark a backslash counts as an escape, and nowhere else
    quoted = re.sub(r'(\\*)("|\Z)', lambda found: 2 * found[1] + (r"\"" if found[2] else ""), text)
    return '{}="{}"'.format(key, quoted.replace("${", r"\${"))


def typed(key: str, text: object) -> str:
    """:func:`override` as it is typed in a shell."""
    return shlex.quote(override(key, str(text)))


@contextmanager
def bar(description: Said | str, total: int | None) -> Iterator["Bar"]:
    """A progress bar with rate and time left; nothing at all where the output is not a terminal."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", style="dim"),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        yield Bar(shown, told(description, language()), total)


class Bar:
    """A handle on one running bar."""

    def __init__(self, shown: Progress, description: str, total: int | None) -> None:
        self.shown, self.task = shown, shown.add_task(description, total=total, note="")

    def advance(self, steps: int = 1, note: str | None = None) -> None:
        self.shown.advance(self.task, steps)
        if note is not None:
            self.shown.update(self.task, note=note)

    def move_to(self, step: int, note: str = "") -> None:
        self.shown.update(self.task, completed=step, note=note)


def progress(items: Iterable[T], description: Said | str, total: int | None = None) -> Iterator[T]:
    with bar(description, total) as shown:
        for item in items:
            yield item
            shown.advance()


def show_any_character() -> None:
    """What a terminal's encoding has no character for is shown as ``\\u4f60``; Python would end with an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="backslashreplace")


def quiet_libraries() -> None:
    """Keep the libraries' own bars and advice off the terminal; their warnings still reach the log."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # else torch's threads spin while they wait for each other: on shared cores that can cost many times the work
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").propagate = True
    warnings.filterwarnings("ignore", category=SyntaxWarning, module="jieba")
