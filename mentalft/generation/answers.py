"""In place of stage 3: answers that exist already are laid out as if this run had asked for them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from mentalft.config import EvalConfig
from mentalft.console import say, shown
from mentalft.data.answer_files import align
from mentalft.data.items import item_row
from mentalft.files import write_jsonl
from mentalft.generation.contenders import BASELINE, given_answers
from mentalft.records import Made, Rejected
from mentalft.runs.files import MADE
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
    folder = run_dir / "responses"
    write_jsonl(folder / "items.jsonl", (item_row(item) for item in aligned.items))
    for name, responses in aligned.responses.items():
        write_jsonl(folder / f"{name}.jsonl", (asdict(r) for r in responses))
    write_jsonl(folder / "problems.jsonl", (asdict(problem) for problem in aligned.problems))
    MADE.save(run_dir, Made(BASELINE, list(answers), None))
    places = listed([shown(path) for path in answers.values()])
    say(Said("compare.given", {"items": len(aligned.items), "places": places}))
    say_problems("compare", aligned.problems, folder / "problems.jsonl")


def say_problems(stage: str, problems: list[Rejected], path: Path) -> None:
    """Print the first problems, one a line, and where the rest are."""
    for problem in problems[:SHOWN]:
        say(f"{stage}: {problem.in_words()}", style="yellow")
    if len(problems) > SHOWN:
        more = {"stage": stage, "more": len(problems) - SHOWN, "path": shown(path)}
        say(Said("compare.more_problems", more), style="yellow")
