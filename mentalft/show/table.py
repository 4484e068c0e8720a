"""A table, described once, and its renderings: terminal, Markdown, CSV, JSON, HTML and LaTeX.

A column says what it is called, what it shows of a row, and in which renderings it stands; a row is any object.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeVar

from mentalft.words import Language, Said, told

if TYPE_CHECKING:
    from markupsafe import Markup
    from rich.table import Table as RichTable

R = TypeVar("R")
Place = Literal["terminal", "markdown", "csv", "json", "html", "latex"]
PEOPLE: frozenset[Place] = frozenset({"terminal", "markdown", "html", "latex"})
PROGRAMS: frozenset[Place] = frozenset({"csv", "json"})
EVERYWHERE = PEOPLE | PROGRAMS
NOTHING = "–"
WIDE = 118
"""Columns of a terminal that has room for every figure."""
LONGEST_WORD = 24
"""Columns of a terminal; what is longer, or of a script without spaces, is broken anywhere."""
STYLES = {
    "better": "green", "worse": "red", "undecided": "yellow", "withheld": "red", "diagnostic": "dim",
    "done": "green", "failed": "red", "running": "yellow",
    "unfinished": "yellow", "unreadable": "red", "best": "bold green", "all": "bold",
}  # fmt: skip
"""Kind of a cell or row → how a terminal shows it."""


class Cell(NamedTuple):
    """What stands in one place of a table."""

    text: Said | str = NOTHING
    """As people read it."""
    value: Any = None
    """As programs read it, and what a page sorts by; None is nothing."""
    kind: str = ""
    """Such as ``better``: a style of the terminal, a class of the page."""
    short: Said | str = ""
    """Instead of ``text`` where there is little room: in a terminal and on a page."""
    hint: Said | str = ""
    """Shown on a page when it is pointed at."""
    html: Markup | None = None
    """Instead of the text on a page."""


@dataclass(frozen=True)
class Column(Generic[R]):
    """One column."""

    key: str
    """Its name in CSV and JSON."""
    heading: Said | str = ""
    cell: Callable[[R], Cell] | None = None
    """None takes a row that is a mapping by :attr:`key`."""
    places: frozenset[Place] = EVERYWHERE
    left: bool = False
    """Text is set to the left, figures to the right."""
    css: str = ""
    """Further classes on a page."""
    pill: bool = False
    """A page draws its cells as labels, by their kind."""
    wraps: bool = False
    """A terminal may break it over lines; all others stay whole."""
    keeps: bool = False
    """A terminal shows it whole, however narrow the others become."""
    broken: bool = False
    """A terminal breaks its heading at the spaces."""
    leave_out: int = 0
    """Where the whole is too wide for the terminal, columns are left out by this number, 1 first; 0 always stays."""

    def of(self, row: R) -> Cell:
        if self.cell is not None:
            return self.cell(row)
        assert isinstance(row, Mapping), "a column without a function takes rows by key"  # for the type checker
        found: Cell = row[self.key]
        return found


@dataclass(frozen=True)
class Table(Generic[R]):
    """Columns and rows, without any rendering."""

    columns: Sequence[Column[R]]
    rows: Sequence[R]
    title: Said | str = ""
    kind: Callable[[R], str] = field(default=lambda _row: "")
    """Of a row, as :attr:`Cell.kind` is of a cell."""
    ends: Callable[[R], bool] = field(default=lambda _row: False)
    """Whether a line follows the row in a terminal."""
    foot: Callable[[R], bool] = field(default=lambda _row: False)
    """Whether the row stays below the others on a page, however those are sorted."""

    def standing(self, place: Place) -> list[Column[R]]:
        return [column for column in self.columns if place in column.places]

    def cells(self, place: Place) -> list[list[Cell]]:
        columns = self.standing(place)
        return [[column.of(row) for column in columns] for row in self.rows]


def figure(value: float | None, form: Callable[[float], str]) -> Cell:
    """A number as ``form`` writes it; a dash where there is none."""
    return Cell() if value is None else Cell(form(value), value)


def terminal(table: Table[R], width: int = 80, language: Language = "en") -> RichTable:
    """For :meth:`rich.console.Console.print`.

    Args:
        width: columns of the terminal; what it has no room for is left out.
    """
    from rich.table import Column as RichColumn
    from rich.text import Text

    columns = _fitted(table.standing("terminal"), table.rows, width, language)
    drawn = compact(told(table.title, language), padding=1 if width >= WIDE else 0)
    for column in columns:
        drawn.columns.append(
            RichColumn(
                Text(_heading(column, language)),
                justify="left" if column.left else "right",
                no_wrap=not column.wraps,
                overflow="fold" if column.wraps or column.keeps else "ellipsis",
                min_width=_breadth(column, table.rows, language) if column.keeps or column.wraps else None,
                _index=len(drawn.columns),
            )
        )
    for row in table.rows:
        cells = [column.of(row) for column in columns]
        texts = [Text(_short(cell, language), style=STYLES.get(cell.kind, "")) for cell in cells]
        drawn.add_row(*texts, style=STYLES.get(table.kind(row)), end_section=table.ends(row))
    return drawn


def compact(title: str, padding: int) -> RichTable:
    """An empty table that spends no more columns than it must; without padding they are one space apart."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as RichTable
    from rich.text import Text

    return RichTable(
        title=Text(title) if title else None, title_justify="left", title_style="bold", box=SIMPLE_HEAD,
        padding=(0, padding), collapse_padding=True, pad_edge=False, show_edge=False,
    )  # fmt: skip


def _fitted(columns: list[Column[R]], rows: Sequence[R], width: int, language: Language) -> list[Column[R]]:
    """Without some of those that may be left out, as many as it takes to fit."""
    gap = 2 if width >= WIDE else 1
    breadths = {column.key: _breadth(column, rows, language) + gap for column in columns}
    for least in sorted((c for c in columns if c.leave_out), key=lambda c: c.leave_out):
        if sum(breadths[c.key] for c in columns) <= width:
            break
        columns = [column for column in columns if column is not least]
    return columns


def _breadth(column: Column[R], rows: Sequence[R], language: Language) -> int:
    """Columns of a terminal that it cannot do without: of one that wraps, those of its longest word."""
    from rich.cells import cell_len

    texts = [_heading(column, language), *(_short(column.of(row), language) for row in rows)]
    longest = max(cell_len(part) for text in texts for part in (text.split() if column.wraps else text.split("\n")))
    return min(longest, LONGEST_WORD) if column.wraps else longest


def _heading(column: Column[Any], language: Language) -> str:
    text = told(column.heading, language)
    return text.replace(" ", "\n") if column.broken else text


def _short(cell: Cell, language: Language) -> str:
    return told(cell.short or cell.text, language)


def markdown(table: Table[R], language: Language = "en") -> list[str]:
    """The lines of a Markdown table, without its title."""
    columns = table.standing("markdown")
    rules = ["---" if column.left else "---:" for column in columns]
    rows = [[told(cell.text, language) for cell in row] for row in table.cells("markdown")]
    heads = [told(column.heading, language) for column in columns]
    return [_line(heads), f"|{'|'.join(rules)}|", *map(_line, rows)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(' '.join(cell.replace('|', chr(92) + '|').split()) for cell in cells)} |"


def csv_text(table: Table[R]) -> str:
    """Values as they are, with the columns' keys above; UTF-8, lines end with a line feed."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([column.key for column in table.standing("csv")])
    writer.writerows([cell.value for cell in row] for row in table.cells("csv"))
    return file.getvalue()


def records(table: Table[R]) -> list[dict[str, Any]]:
    """For JSON: a mapping a row, from the columns' keys to values."""
    keys = [column.key for column in table.standing("json")]
    return [dict(zip(keys, [cell.value for cell in row], strict=True)) for row in table.cells("json")]


def html(table: Table[R], language: Language = "en", *, css: str = "", sortable: bool = False) -> Markup:
    """A ``<table>`` without its title, in which every text is escaped.

    Args:
        css: classes of the table; ``stacked`` makes cards of its rows on a phone.
        sortable: a heading is a button, which the page's script sorts by.
    """
    from markupsafe import Markup

    columns = table.standing("html")
    heads = Markup("").join(_html_heading(column, language, sortable=sortable) for column in columns)
    body, foot = Markup(""), Markup("")
    for row in table.rows:
        cells = Markup("").join(_html_cell(column, i, column.of(row), language) for i, column in enumerate(columns))
        kind = Markup(' class="{}"').format(table.kind(row)) if table.kind(row) else ""
        line = Markup("<tr{}>{}</tr>\n").format(kind, cells)
        body, foot = (body, foot + line) if table.foot(row) else (body + line, foot)
    classes = " ".join(filter(None, [css, "sortable" if sortable else ""]))
    end = Markup("<tfoot>{}</tfoot>").format(foot) if foot else ""
    return Markup(
        '<div class="scroll{}"><table class="{}">\n<thead><tr>{}</tr></thead>\n<tbody>\n{}</tbody>{}</table></div>'
    ).format(" tall" if len(table.rows) > 40 else "", classes, heads, body, end)


def _html_heading(column: Column[Any], language: Language, *, sortable: bool) -> Markup:
    from markupsafe import Markup

    text: Any = told(column.heading, language)
    text = Markup('<button type="button">{}</button>').format(text) if sortable and text else text
    return Markup('<th scope="col"{}>{}</th>').format(_classes("" if column.left else "n", column.css), text)


def _html_cell(column: Column[Any], place: int, cell: Cell, language: Language) -> Markup:
    from markupsafe import Markup

    text: Any = cell.html if cell.html is not None else _short(cell, language)
    hint = Markup(' title="{}"').format(told(cell.hint, language)) if cell.hint else ""
    if column.pill and cell.kind:
        text, hint = Markup('<span class="verdict {}"{}>{}</span>').format(cell.kind, hint, text), ""
    if place == 0:
        text = Markup('<span class="{}">{}</span>').format(cell.kind, text) if cell.kind else text
        return Markup('<th scope="row" dir="auto"{}>{}</th>').format(hint, text)
    key = "" if cell.value is None else Markup(' data-key="{}"').format(cell.value)
    label = "" if column.left else Markup(' data-label="{}"').format(told(column.heading, language))
    kind = "" if column.pill else cell.kind
    classes = _classes("" if column.left else "n", column.css, kind)
    return Markup("<td{}{}{}{}>{}</td>").format(classes, label, key, hint, text)


def _classes(*names: str) -> Markup | str:
    from markupsafe import Markup

    found = " ".join(filter(None, names))
    return Markup(' class="{}"').format(found) if found else ""


def latex(table: Table[R], language: Language = "en") -> str:
    """A ``tabular`` for ``\\usepackage{booktabs}``; Chinese wants XeLaTeX or LuaLaTeX with a font that has it."""
    columns = table.standing("latex")
    heads = [told(column.heading, language) for column in columns]
    rows = [[_short(cell, language) for cell in row] for row in table.cells("latex")]
    lines = [" & ".join(map(latex_escaped, cells)) + r" \\" for cells in (heads, *rows)]
    form = "".join("l" if column.left else "r" for column in columns)
    return "\n".join(
        [rf"\begin{{tabular}}{{{form}}}", r"\toprule", lines[0], r"\midrule", *lines[1:], r"\bottomrule",
         r"\end{tabular}", ""]
    )  # fmt: skip


LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
        "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": "$<$", ">": "$>$", "|": r"\textbar{}",
        "…": r"\ldots{}", "–": "--", "±": r"$\pm$", "−": "$-$", "\n": " ",
    }
)  # fmt: skip
"""What LaTeX would take for a command, and what fonts without it lack."""


def latex_escaped(text: str) -> str:
    """``text`` as LaTeX shows it; a hyphen before a figure becomes a minus sign."""
    words = [f"−{word[1:]}" if word[:1] == "-" and word[1:2].isdigit() else word for word in text.split(" ")]
    return " ".join(words).translate(LATEX)
