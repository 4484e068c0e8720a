"""Several runs in one table: in the terminal, as Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from mentalft.files import write_json, write_text
from mentalft.records import MetricComparison, RunsComparison, Spread
from mentalft.show.markdown import decoding_in_words, table_lines
from mentalft.show.numbers import plain, signed
from mentalft.show.tables import compact_table, figures_of, verdict_cell

ALL = "all"
HOW_TO_READ = (
    "The row of all takes each item's mean difference over runs and resamples dialogues in all runs at once; its "
    "interval is over dialogues. What another seed changes is in the spread between runs."
)


def terminal_tables(found: RunsComparison) -> list[Table]:
    """The scores, a row a run and metric; and how far the runs lie apart."""
    scores = compact_table(_caption(found), padding=0)
    scores.add_column("metric")
    scores.add_column("run", justify="right")
    for heading in _figure_headings(found):
        scores.add_column(heading, justify="right", no_wrap=True)
    scores.add_column("verdict", no_wrap=True)
    for title, rows in _by_metric(found):
        for place, (run, m) in enumerate(rows):
            last = 1 < len(rows) == place + 1
            cells = [escape(title) if place == 0 else "", run, *figures_of(m), verdict_cell(m)]
            scores.add_row(*cells, end_section=last, style="bold" if run == ALL else None)
    if not found.spreads:
        return [scores]
    apart = compact_table("Spread between runs", padding=1)
    for heading in _SPREAD_HEADINGS:
        apart.add_column(heading, justify="left" if heading == "metric" else "right", no_wrap=True)
    for spread in found.spreads:
        apart.add_row(*_spread_cells(found, spread))
    return [scores, apart]


def write_runs_json(found: RunsComparison, path: Path) -> None:
    write_json(path, asdict(found))


def write_runs_markdown(found: RunsComparison, path: Path) -> None:
    headings = ["metric", "run", *_figure_headings(found), "win/tie/loss", "verdict"]
    rows = [
        [title, run, *figures_of(m), f"{m.wins}/{m.ties}/{m.losses}", m.verdict]
        for title, metric_rows in _by_metric(found)
        for run, m in metric_rows
    ]
    blocks = [
        [f"# {_caption(found)}"],
        [f"{number}. `{run.name}`" for number, run in enumerate(found.runs, 1)],
        [f"- **Note:** {note}" for note in found.notes],
        table_lines(headings, rows, left=(0, len(headings) - 1)),
        [HOW_TO_READ] if found.combined else [],
        ["## Spread between runs"] if found.spreads else [],
        table_lines(_SPREAD_HEADINGS, [_spread_cells(found, s) for s in found.spreads]) if found.spreads else [],
        ["## Signatures", "", *(f"- `{m.signature}`" for m in found.runs[0].metrics)],
    ]
    write_text(path, "\n\n".join("\n".join(block) for block in blocks if block) + "\n")


_SPREAD_HEADINGS = ["metric", "diff, mean ± sd", "range", "better/none/worse"]


def _spread_cells(found: RunsComparison, spread: Spread) -> list[str]:
    verdicts = [m.verdict for run in found.runs for m in run.metrics if m.metric == spread.metric]
    better, worse = verdicts.count("better"), verdicts.count("worse")
    return [
        found.titles[spread.metric],
        f"{signed(spread.mean)} ± {plain(spread.sd)}",
        f"{signed(spread.low)} … {signed(spread.high)}",
        f"{better}/{len(verdicts) - better - worse}/{worse}",
    ]


def _figure_headings(found: RunsComparison) -> list[str]:
    return ["base", "tuned", "diff", f"{found.confidence:.0%} interval", "Holm p"]


def _by_metric(found: RunsComparison) -> Iterator[tuple[str, list[tuple[str, MetricComparison]]]]:
    """Title of each metric, with its row of each run and of all."""
    for place, (name, title) in enumerate(found.titles.items()):
        rows = [(str(number), run.metrics[place]) for number, run in enumerate(found.runs, 1)]
        rows += [(ALL, m) for m in found.combined if m.metric == name]
        yield title, rows


def _caption(found: RunsComparison) -> str:
    runs = f"{len(found.runs)} runs" if len(found.runs) > 1 else "1 run"
    where = f"{found.items} items from {found.dialogues} dialogues"
    return f"Base against tuned in {runs} on {where} ({decoding_in_words(found.decoding)})"
