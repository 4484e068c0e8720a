"""In place of stage 3: answers that exist already are laid out as if this run had asked for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mentalft.config.contenders import key_of
from mentalft.console import say, shown
from mentalft.data.items import item_row
from mentalft.data.read.answers import Source, align
from mentalft.data.read.questions import read_questions
from mentalft.files import digest_file, write_jsonl
from mentalft.records import Answerer, GivenFile, Item, Made, Rejected
from mentalft.runs.files import MADE, PROBLEMS, responses
from mentalft.words import Said, listed

SHOWN = 10
"""Problems that are printed; all are in the file."""


def use_answers(references: Path, answers: Mapping[str, Path], run_dir: Path) -> None:
    """Write ``responses/`` from files alone, as if the contenders had been asked. No model is loaded.

    Args:
        answers: contender → the file of its answers.

    Raises:
        DataError: a file cannot be read, or holds nothing to compare.
    """
    items, problems = read_questions(references, "eval.references", None)
    write_jsonl(run_dir / "responses" / "items.jsonl", (item_row(item) for item in items))
    made = Made({name: given_by(path) for name, path in answers.items()}, None, given_file(references))
    MADE.save(run_dir, made)
    use_files(items, answers, run_dir, problems)


def use_files(
    items: Sequence[Item], answers: Mapping[str, Path], run_dir: Path, problems: Sequence[Rejected] = ()
) -> None:
    """Write ``responses/NAME.jsonl`` of each contender whose answers to ``items`` are given as a file.

    Args:
        problems: with the items; written with those of the answers, and printed.

    Raises:
        DataError: a file cannot be read, or answers none of the items.
    """
    aligned = align(items, {name: Source(path, key_of(name, "answers")) for name, path in answers.items()})
    for name, given in aligned.responses.items():
        responses(name).save(run_dir, given)
    found = [*problems, *aligned.problems]
    PROBLEMS.save(run_dir, found)
    places = listed([shown(path) for path in answers.values()])
    say(Said("compare.given", {"items": len(items), "places": places}))
    say_problems("compare", found, PROBLEMS.path(run_dir))


def given_by(answers: Path) -> Answerer:
    """A contender whose answers are those of a file."""
    return Answerer(file=given_file(answers))


def given_file(path: Path) -> GivenFile:
    return GivenFile(str(path), digest_file(path))


def say_problems(stage: str, problems: list[Rejected], path: Path) -> None:
    """Print the first problems, one a line, and where the rest are."""
    for problem in problems[:SHOWN]:
        say(Said("compare.problem", {"stage": stage, "problem": problem.said}), style="yellow")
    if len(problems) > SHOWN:
        more = {"stage": stage, "more": len(problems) - SHOWN, "path": shown(path)}
        say(Said("compare.more_problems", more), style="yellow")
