"""The list of runs as a table."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table as RichTable

from mentalft.runs.listing import DONE, FAILED, UNREADABLE, ListedRun, overrides_in_words
from mentalft.runs.stage import RESULT_GROUPS
from mentalft.show.table import NOTHING, Cell, Column, Table, terminal
from mentalft.words import Language, Said

FIRST_WORDS = 60
"""Characters of a failed trial's error that the table has room for."""
ROOMY = 118


def runs_table(
    runs: Sequence[ListedRun], width: int = ROOMY, language: Language = "en", *, one_line: bool = False
) -> RichTable:
    """A row a run, whose directory is never broken.

    Args:
        width: columns of the terminal.
        one_line: put a run's choices and its overrides into one line, for other programs.
    """

    def made(run: ListedRun) -> Cell:
        choices = "/".join(run.choices.get(group, NOTHING) for group in RESULT_GROUPS) if run.choices else NOTHING
        return Cell((" " if one_line else "\n").join(filter(None, [choices, overrides_in_words(run)])))

    wraps = not one_line
    table = Table(
        [
            Column("date", Said("list.date"), lambda run: Cell(f"{run.date:%Y-%m-%d %H:%M}"), left=True),
            Column("directory", Said("list.directory"), lambda run: Cell(run.directory), left=True, keeps=True),
            Column("made", "/".join(RESULT_GROUPS), made, left=True, wraps=wraps),
            Column("state", Said("list.state"), state_cell, left=True, wraps=wraps),
            Column("verdict", Said("list.verdict"), lambda run: Cell(run.verdict or NOTHING), left=True, wraps=wraps),
        ],
        runs,
    )
    return terminal(table, max(width, ROOMY), language)


def state_cell(run: ListedRun) -> Cell:
    """How far a run got."""
    state = Said(f"list.{run.state}")
    said: Said | str = state
    if run.of_sweep and run.state == FAILED and run.problem:
        problem = run.problem if len(run.problem) <= FIRST_WORDS else f"{run.problem[:FIRST_WORDS]}…"
        said = Said("list.state_of", {"state": state, "what": problem})
    elif run.open_stage:
        said = Said("list.state_of", {"state": state, "what": run.open_stage})
    elif not run.stages and run.state != UNREADABLE:
        said = Said("list.nothing_done", {"state": state})
    elif run.state == DONE and "compare" not in run.stages:
        said = ", ".join(run.stages) or NOTHING
    return Cell(said, run.state, run.state)
