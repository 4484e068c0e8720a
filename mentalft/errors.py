"""Errors that are the user's to mend; the command line shows them without a traceback."""

import io
import re
import shlex
import sys


class UserError(Exception):
    """Something the user gave cannot be used.

    The message names the thing, what was found, what is accepted, and the mend.
    """


class ConfigError(UserError):
    """One or more configuration values are out of range; each line of the message is one of them."""


class DataError(UserError):
    """A data file cannot be read, or what it holds cannot be used."""


class ModelError(UserError):
    """A model, tokenizer or embedder cannot be found or does not fit."""


LONGEST = 160
"""Characters of another library's message that are shown."""


def first_line(error: BaseException) -> str:
    """The first line of what ``error`` says, cut where it is long; its type where it says nothing."""
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    return first if len(first) <= LONGEST else f"{first[:LONGEST]}…"


class Stopped(KeyboardInterrupt):
    """The run was asked to stop, saved what it had, and can go on later."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def show_any_character() -> None:
    """What a terminal's encoding has no character for is shown as ``\\u4f60``; Python would end with an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="backslashreplace")


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
