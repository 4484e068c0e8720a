"""In place of stage 3: answers that exist already are laid out as if this run had asked for them."""

from __future__ import annotations

from pathlib import Path

from mentalft.config import EvalConfig
from mentalft.console import say, shown
from mentalft.data.items import item_row
from mentalft.data.read.answers import align
from mentalft.files import digest_file, write_jsonl
from mentalft.generation.contenders import BASELINE, given_answers
from mentalft.records import GivenFile, Made, Rejected
from mentalft.runs.files import MADE, PROBLEMS, responses
from mentalft.words import Said, listed

SHOWN = 10
"""Problems that are printed; all are in the file."""


def use_answers(cfg: EvalConfig, run_dir: Path) -> None:
    """Write ``responses/`` from the files that ``cfg`` names, as if the contenders had been asked. No model is loaded.

    Raises:
        DataError: a file cannot be read, or holds nothing to compare.
    """
    answers, references = given_answers(cfg), Path(str(cfg.references)).expanduser()
    aligned = align(references, answers)
    write_jsonl(run_dir / "responses" / "items.jsonl", (item_row(item) for item in aligned.items))
    for name, given in aligned.responses.items():
        responses(name).save(run_dir, given)
    PROBLEMS.save(run_dir, aligned.problems)
    files = {**answers, "references": references}
    read = {name: GivenFile(str(path), digest_file(path)) for name, path in files.items()}
    MADE.save(run_dir, Made(BASELINE, list(answers), None, files=read))
    places = listed([shown(path) for path in answers.values()])
    say(Said("compare.given", {"items": len(aligned.items), "places": places}))
    say_problems("compare", aligned.problems, PROBLEMS.path(run_dir))


def say_problems(stage: str, problems: list[Rejected], path: Path) -> None:
    """Print the first problems, one a line, and where the rest are."""
    for problem in problems[:SHOWN]:
        say(Said("compare.problem", {"stage": stage, "problem": problem.said}), style="yellow")
    if len(problems) > SHOWN:
        more = {"stage": stage, "more": len(problems) - SHOWN, "path": shown(path)}
        say(Said("compare.more_problems", more), style="yellow")
