"""In place of stage 3: answers that exist already are laid out as if this run had asked for them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from mentalft.config import EvalConfig
from mentalft.console import say, shown
from mentalft.data.answer_files import align
from mentalft.data.items import item_row
from mentalft.errors import ConfigError
from mentalft.files import digest_file, write_json, write_jsonl
from mentalft.records import NOT_KNOWN, Rejected
from mentalft.runs.markers import FOLDER

SHOWN = 10
"""Problems that are printed; all are in the file."""


def use_answers(cfg: EvalConfig, run_dir: Path) -> None:
    """Write ``responses/{items,base,tuned,problems}.jsonl`` from the files that ``cfg`` names. No model is loaded.

    Raises:
        DataError: a file cannot be read, or holds nothing to compare.
        ConfigError: ``run_dir`` holds answers of an evaluation of its own.
    """
    if (run_dir / FOLDER / "evaluate.json").is_file():
        raise ConfigError(
            f"eval.responses: {run_dir} holds answers of its own evaluation; leave run_dir out, or give another"
        )
    given = {"base": cfg.responses.base, "tuned": cfg.responses.tuned, "references": cfg.references}
    paths = {name: Path(str(path)).expanduser() for name, path in given.items()}
    aligned = align(paths["references"], {side: paths[side] for side in ("base", "tuned")})
    folder = run_dir / "responses"
    write_jsonl(folder / "items.jsonl", (item_row(item) for item in aligned.items))
    for side, responses in aligned.responses.items():
        write_jsonl(folder / f"{side}.jsonl", (r.to_json() for r in responses))
    write_jsonl(folder / "problems.jsonl", (asdict(problem) for problem in aligned.problems))
    files = {name: {"path": str(path), "xxh3": digest_file(path)} for name, path in paths.items()}
    write_json(folder / "decoding.json", {"decoding": f"{NOT_KNOWN}: the answers were given as files", "files": files})
    say(f"compare: {len(aligned.items)} questions; answers from {shown(paths['base'])} and {shown(paths['tuned'])}")
    say_problems("compare", aligned.problems, folder / "problems.jsonl")


def say_problems(stage: str, problems: list[Rejected], path: Path) -> None:
    """Print the first problems, one a line, and where the rest are."""
    for problem in problems[:SHOWN]:
        say(f"{stage}: {problem.in_words()}", style="yellow")
    if len(problems) > SHOWN:
        say(f"{stage}: and {len(problems) - SHOWN} more problems: {shown(path)}", style="yellow")
