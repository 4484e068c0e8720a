"""A sweep in the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.markup import escape
from rich.table import Table as RichTable
from rich.text import Text

from mentalft.show.sweep.cells import Table, settings_table, unfinished_table
from mentalft.show.sweep.result import BEST, Sweep
from mentalft.show.sweep.scores import chosen_table
from mentalft.show.sweep.words import counted, described, objective_in_words, warnings_of
from mentalft.show.tables import compact_table

STYLES = {
    BEST: "bold green",
    "failed": "red",
    "unreadable": "red",
    "running": "yellow",
    "better": "green",
    "worse": "red",
}

LEFT_OUT_FIRST = ("parameters", "memory", "adapter", "time", "training")
GAP = 2


def terminal_tables(sweep: Sweep, width: int = 120) -> Iterator[RichTable | Text]:
    """Settings by objective, what has no objective, and the test scores of the chosen one below what warns of them.

    Args:
        width: columns of the terminal; where that is not enough, what is least asked for is left out.
    """
    if sweep.settings:
        yield _drawn(_fitted(settings_table(sweep), width), f"{counted(sweep)}; by {objective_in_words(sweep)}")
    unfinished = unfinished_table(sweep)
    if unfinished.rows:
        yield _drawn(unfinished, "Without an objective" if sweep.settings else counted(sweep))
    chosen = chosen_table(sweep)
    if chosen and sweep.chosen:
        if warnings := warnings_of(sweep.chosen):
            yield Text("\n".join(f"warning: {warning}" for warning in warnings), style="yellow")
        yield _drawn(chosen, f"Test scores of {described(sweep, sweep.chosen)}, chosen on the validation split")


def _fitted(table: Table, width: int) -> Table:
    """Without some of the costs, as many as it takes to fit."""
    for heading in LEFT_OUT_FIRST:
        columns = zip(table.headings, *([cell.text for cell in row.cells] for row in table.rows), strict=True)
        if sum(max(map(len, column)) + GAP for column in columns) <= width:
            break
        table = _without(table, table.headings.index(heading))
    return table


def _without(table: Table, place: int) -> Table:
    return Table(
        table.headings[:place] + table.headings[place + 1 :],
        tuple(i - (i > place) for i in table.left if i != place),
        [row._replace(cells=row.cells[:place] + row.cells[place + 1 :]) for row in table.rows],
    )


def _drawn(table: Table, title: str) -> RichTable:
    drawn = compact_table(escape(title), padding=1)
    for place, heading in enumerate(table.headings):
        left = place in table.left
        drawn.add_column(escape(heading), justify="left" if left else "right", no_wrap=not left)
    for row in table.rows:
        drawn.add_row(*(escape(cell.text) for cell in row.cells), style=STYLES.get(row.kind))
    return drawn
