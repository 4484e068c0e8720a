"""Where the difference is: tables by topic and by turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from mentalft.records import NO_TOPIC, OTHER, UNDECIDED, Comparison, Group
from mentalft.show.numbers import signed, spread
from mentalft.show.strips import Strip, drawn_strip, group_strips
from mentalft.show.table import Cell, Column, Table
from mentalft.words import Said, contender


class Grouped(NamedTuple):
    """The differences of one contender by topic or by turn."""

    key: str
    """``by_topic`` or ``by_depth``; with more than one contender, and its name."""
    heading: Said
    table: Table[list[Cell]]


def groups_of(comparison: Comparison) -> list[Grouped]:
    """The tables by topic and by turn; without those that would have no rows."""
    several = len(comparison.others) > 1
    found = []
    for kind, column in (("by_topic", "topic"), ("by_depth", "turn")):
        for name in comparison.others:
            table = _grouped(comparison, name, kind, column)
            if table and several:
                heading = Said("show.by_of", {"heading": Said(f"show.{kind}"), "name": contender(name)})
                found.append(Grouped(f"{kind}-{comparison.others.index(name)}", heading, table))
            elif table:
                found.append(Grouped(kind, Said(f"show.{kind}"), table))
    return found


def group_name(name: str) -> Said | str:
    return {OTHER: Said("show.other_topics"), NO_TOPIC: Said("show.no_topic")}.get(name, name)


def _grouped(comparison: Comparison, name: str, kind: str, column: str) -> Table[list[Cell]] | None:
    columns: dict[str, tuple[Group, ...]] = {
        m.metric: groups for m in comparison.metrics if (groups := getattr(m.differences.get(name), kind, ()))
    }
    if not columns:
        return None
    metrics = {m.metric: m for m in comparison.metrics}
    drawn = {
        metric: group_strips(metrics[metric], metrics[metric].differences[name], groups)
        for metric, groups in columns.items()
    }
    rows = [
        [
            Cell(group_name(group.name) if kind == "by_topic" else group.name, group.name),
            *(Cell(str(n), n) for n in (group.items, group.dialogues)),
            *(_group_cell(groups[i], drawn[metric][i]) for metric, groups in columns.items()),
        ]
        for i, group in enumerate(next(iter(columns.values())))
    ]
    headings = [Said(f"show.{column}"), Said("show.items"), Said("show.dialogues")]
    return of_cells([*headings, *(metrics[metric].title for metric in columns)], rows)


def of_cells(headings: Sequence[Said | str], rows: Sequence[list[Cell]]) -> Table[list[Cell]]:
    """A table whose rows are cells, the first column set to the left."""

    def at(place: int) -> Callable[[list[Cell]], Cell]:
        return lambda row: row[place]

    return Table([Column(str(i), h, at(i), left=i == 0) for i, h in enumerate(headings)], rows)


def _group_cell(group: Group, drawn: Strip | None) -> Cell:
    shown = signed(group.difference)
    interval = spread(group.interval) if group.interval else Said("show.too_few")
    text = Said("show.group_cell", {"difference": shown, "interval": interval})
    hint = interval if group.interval else Said("show.too_few_for_interval")
    picture = drawn_strip(drawn, spread(group.interval)) if drawn and group.interval else None
    return Cell(text, group.difference, drawn.kind if drawn else UNDECIDED, "", hint, picture and shown + picture)
