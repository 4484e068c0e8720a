"""What people and judge models are asked about two answers: the same file for both.

A rubric is a YAML file: a question for the choice between the two, and dimensions that each answer is rated on. Those
that come with the package are in ``assets/rubrics``; a file of the user's own has the same form (docs/judge.md).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mentalft.assets import RUBRICS
from mentalft.errors import ConfigError, first_line
from mentalft.words import Language

Text = str | dict[Language, str]
"""Plain, or by language: ``{en: …, zh: …}``."""


@dataclass(frozen=True)
class Dimension:
    """What each of two answers is rated on."""

    name: str
    title: Text
    question: Text
    levels: dict[int, Text]
    """What may be given → what it means, from the lowest to the highest."""
    higher_is_better: bool = True


@dataclass(frozen=True)
class Rubric:
    name: str
    title: Text
    source: str
    """Where the dimensions come from, with the terms of that source."""
    overall: Text
    """The question that the choice between two answers is the reply to."""
    dimensions: tuple[Dimension, ...] = ()


def embedded() -> tuple[str, ...]:
    """Names of the rubrics that come with the package."""
    return tuple(sorted(path.stem for path in RUBRICS.glob("*.yaml")))


def rubric_file(given: str, key: str) -> Path:
    """Where a rubric lies.

    Args:
        given: a name of :func:`embedded`, or the path of a YAML file.
        key: named in the message, such as ``judge.rubric``.

    Raises:
        ConfigError: there is neither.
    """
    path = RUBRICS / f"{given}.yaml" if given in embedded() else Path(given).expanduser()
    if not path.is_file():
        raise ConfigError(f"{key}={given} is no file, and no rubric of ours; those are {', '.join(embedded())}")
    return path


def load_rubric(given: str, key: str) -> Rubric:
    """The rubric ``given`` by its name or path; for the arguments see :func:`rubric_file`.

    Raises:
        ConfigError: it is not there, or is no rubric; the message says where in the file.
    """
    path = rubric_file(given, key)
    try:
        found = msgspec.yaml.decode(path.read_bytes(), type=Rubric)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{key}: {path}: not a rubric ({first_line(error)}); docs/judge.md has its form") from error
    for dimension in found.dimensions:
        if len(dimension.levels) < 2 or list(dimension.levels) != sorted(dimension.levels):
            raise ConfigError(
                f"{key}: {path}: dimension {dimension.name!r} must have two levels or more, in rising order, got "
                f"{', '.join(map(str, dimension.levels)) or 'none'}"
            )
    for name, count in Counter(dimension.name for dimension in found.dimensions).items():
        if count > 1:
            raise ConfigError(f"{key}: {path}: two dimensions are called {name!r}; give each a name of its own")
    return found


def written(text: Text, language: Language) -> str:
    """``text`` in ``language``; in the one that there is where it lacks that."""
    return text if isinstance(text, str) else text.get(language) or next(iter(text.values()), "")
