"""Where help is to be had: said at the start, and where a message carries signs of risk."""

from __future__ import annotations

import locale
import os
import re

from mentalft.data.clean.help_lines import first_lines, help_lines
from mentalft.errors import ConfigError
from mentalft.safety.signs import signs_of
from mentalft.words import Language, Said

OF_LANGUAGE: dict[Language, str] = {"zh": "CN", "en": "US"}
"""The region whose lines are shown where the locale names none that speaks the language."""


def region_for(language: Language, asked: str | None) -> str:
    """The region whose help lines are shown: the one ``asked`` for, else the locale's, else that of the language.

    Raises:
        ConfigError: no lines of the region asked for are known.
    """
    known = dict.fromkeys(line.region for line in help_lines())
    if asked is not None:
        if asked.upper() not in known:
            raise ConfigError(f"--region {asked}: no help lines are known there; give one of {', '.join(known)}")
        return asked.upper()
    variables = map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))
    here = re.match(rf"{language}_([A-Z]{{2}})\b", next(filter(None, variables), locale.getlocale()[0] or ""))
    return here[1] if here and here[1] in known else OF_LANGUAGE[language]


def opening(region: str) -> Said:
    """What is said before anything else."""
    return Said("chat.opening", {"lines": _lines(region)})


def for_message(message: str, region: str) -> Said | None:
    """What is said where ``message`` carries signs of risk."""
    return Said("chat.risk", {"lines": _lines(region)}) if signs_of(message) else None


def _lines(region: str) -> list[Said]:
    return [Said("chat.line", {"number": line.number, "name": line.name}) for line in first_lines(region)]
