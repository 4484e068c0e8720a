"""Evidence beside the table: what is not likeness to references, each kind by itself, none folded into one score.

A kind is a room of its own with a typed record in the run directory and a function ``evidence_of(run_dir)`` in its
module ``evidence``. It says what it found as tables and sentences; what they look like in a terminal, on a page, in
Markdown, on the model card and in W&B is decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from mentalft.console import console, say
from mentalft.records import Gate
from mentalft.runs.files import MADE
from mentalft.show.table import Cell, Column, Table, markdown, terminal
from mentalft.words import Language, Said, told

KINDS: Mapping[str, str] = {
    "screen": "mentalft.screen.evidence",
    "forgetting": "mentalft.forgetting.evidence",
    "judge": "mentalft.judging.evidence",
    "review": "mentalft.review.evidence",
}
"""Kind → the module with its ``evidence_of``, in the order in which they are shown."""


class Figure(NamedTuple):
    """One number of a kind, for programs and for holding several runs against each other."""

    key: str
    """Such as ``tuned/names_help``."""
    label: Said | str
    value: float
    form: str = "{:.1%}"
    """How people read it."""


class Example(NamedTuple):
    """Texts of the data, shown on the page and nowhere else."""

    title: Said | str
    texts: tuple[tuple[Said | str, str, tuple[tuple[int, int], ...]], ...]
    """Label, text, and the places of it that are marked, as start and end in characters."""
    kind: str = ""
    """Such as ``worse``: a class of the page."""

    def parts(self, language: Language) -> Iterator[tuple[str, list[tuple[str, bool]]]]:
        """Each text as its label and its pieces, with whether a piece is marked."""
        for label, text, spans in self.texts:
            pieces, at = [], 0
            for start, end in sorted(spans):
                if at < end:
                    pieces += [(text[at:start], False), (text[max(start, at) : end], True)]
                    at = end
            yield told(label, language), [piece for piece in (*pieces, (text[at:], False)) if piece[0]]


class Evidence(NamedTuple):
    """What one kind found."""

    kind: str
    headline: Said
    """One sentence: what it found, and what it is."""
    tables: tuple[Table[Any], ...] = ()
    """The first is what a terminal shows. The title of each is its heading."""
    lines: tuple[Said, ...] = ()
    """How it is read, its agreement or error, its limits."""
    gates: tuple[Gate, ...] = ()
    """What the verdict must be read with."""
    summary: tuple[Figure, ...] = ()
    """Never text of the data."""
    figures: Mapping[str, Callable[[Language], str]] = {}
    """By name, what draws an SVG element for the page, in its language."""
    examples: tuple[Example, ...] = ()
    identities: Mapping[str, str | None] = {}
    """By contender, the identity (:class:`~mentalft.records.Answerer`) it had when it was looked at."""

    @property
    def heading(self) -> Said:
        return Said(f"evidence.{self.kind}")


def evidence_in(run_dir: Path) -> list[Evidence]:
    """Every kind that ``run_dir`` has; one that looked at other contenders than those of the answers says only that.

    Raises:
        DataError: a record is not what this mentalft writes.
    """
    found = [import_module(module).evidence_of(run_dir) for module in KINDS.values()]
    return [_current(one, run_dir) for one in found if one is not None]


def _current(found: Evidence, run_dir: Path) -> Evidence:
    if not found.identities or not MADE.exists(run_dir):
        return found
    now = {name: about.identity for name, about in MADE.load(run_dir).contenders.items()}
    if any(identity != now[name] for name, identity in found.identities.items() if name in now):
        return Evidence(found.kind, Said("evidence.of_others", {"kind": found.heading, "stage": found.kind}))
    return found


def gates_in(run_dir: Path) -> list[Gate]:
    """What the verdict on ``run_dir`` must be read with besides what the answers themselves show."""
    return [gate for found in evidence_in(run_dir) for gate in found.gates]


def show_evidence(found: Sequence[Evidence], language: Language = "en") -> None:
    """Print each kind: what it found, its first table, how it is read; the page has the others."""
    for one in found:
        say(f"\n{told(one.heading, language)}", style="bold")
        console.print(told(one.headline, language), soft_wrap=False)
        for table in one.tables[:1]:
            console.print(terminal(table, console.width, language))
        for line in one.lines:
            console.print(told(line, language), style="dim", soft_wrap=False)


def evidence_markdown(found: Sequence[Evidence], language: Language = "en") -> list[list[str]]:
    """Blocks of lines for ``comparison.md`` and the model card; no text of the data."""
    blocks = []
    for one in found:
        blocks += [[f"## {told(one.heading, language)}"], [told(one.headline, language)]]
        for table in one.tables:
            blocks += [[f"**{told(table.title, language)}**"]] if table.title else []
            blocks += [markdown(table, language)]
        blocks += [[f"- {told(line, language)}" for line in one.lines]] if one.lines else []
    return blocks


def across_runs(runs: Sequence[Sequence[Evidence]]) -> list[Table[dict[str, Cell]]]:
    """A table for each kind that any of ``runs`` has: a row a figure, a column a run, by its number from 1."""
    tables = []
    for kind in KINDS:
        of_runs = [{f.key: f for one in found if one.kind == kind for f in one.summary} for found in runs]
        known = {key: figure for of_run in of_runs for key, figure in of_run.items()}
        if not known:
            continue
        columns = [Column[dict[str, Cell]]("figure", Said("evidence.figure"), left=True, wraps=True)]
        columns += [Column(str(n), str(n)) for n in range(1, len(runs) + 1)]
        rows = [
            {
                "figure": Cell(figure.label, key),
                **{
                    str(n): Cell(of[key].form.format(of[key].value), of[key].value) if key in of else Cell()
                    for n, of in enumerate(of_runs, 1)
                },
            }
            for key, figure in known.items()
        ]
        tables.append(Table(columns, rows, Said(f"evidence.{kind}")))
    return tables
