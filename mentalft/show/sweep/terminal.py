"""A sweep in the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mentalft.console import console, say
from mentalft.show.sweep.reading import read_sweep
from mentalft.show.sweep.result import Sweep
from mentalft.show.sweep.sentences import command_of, counted, described, objective_in_words, warnings_of
from mentalft.show.sweep.tables import chosen_table, settings_table, unfinished_table
from mentalft.show.table import Table, terminal
from mentalft.words import Said, told

if TYPE_CHECKING:
    from rich.table import Table as RichTable
    from rich.text import Text


def show_sweep(sweep_dir: Path, *, notes: bool = False) -> None:
    """Print the tables, and the command that runs the chosen setting alone.

    Args:
        notes: print first what must be known before trials are compared.
    """
    found = read_sweep(sweep_dir)
    for note in found.notes if notes else ():
        say(told(Said("sweep.note_line", {"text": note}), found.language), style="yellow")
    for table in terminal_tables(found, console.width):
        console.print(table)
    if found.chosen:
        say(told(Said("sweep.chosen_alone", {"command": command_of(found.chosen)}), found.language))


def terminal_tables(sweep: Sweep, width: int = 120) -> Iterator[RichTable | Text]:
    """Settings by objective, what has no objective, and the test scores of the chosen one below what warns of them.

    Args:
        width: columns of the terminal; where that is not enough, what is least asked for is left out.
    """
    from rich.text import Text

    def drawn(table: Table[Any], title: Said) -> RichTable:
        table = Table(table.columns, table.rows, title, table.kind, table.ends, table.foot)
        return terminal(table, width, sweep.language)

    if sweep.settings:
        title = Said("sweep.objective.by", {"counted": counted(sweep), "objective": objective_in_words(sweep)})
        yield drawn(settings_table(sweep), title)
    unfinished = unfinished_table(sweep)
    if unfinished.rows:
        yield drawn(unfinished, Said("sweep.without_objective") if sweep.settings else counted(sweep))
    chosen = chosen_table(sweep)
    if chosen and sweep.chosen:
        if warnings := warnings_of(sweep.chosen):
            lines = [told(Said("sweep.warning", {"text": warning}), sweep.language) for warning in warnings]
            yield Text("\n".join(lines), style="yellow")
        yield drawn(chosen, Said("sweep.scores_of", {"setting": described(sweep, sweep.chosen)}))
