"""Several runs in one table: in the terminal, as Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from rich.table import Table as RichTable

from mentalft.files import write_json, write_text
from mentalft.metrics.registry import titled
from mentalft.records import BETTER, DIAGNOSTIC, WORSE, Difference, MetricResult, RunsComparison, Spread
from mentalft.show.comparison import (
    at_the_beginning,
    decoding_of,
    interval_heading,
    metric_cell,
    names_of,
    score_columns,
    verdict_cell,
)
from mentalft.show.numbers import plain, probability, signed, spread
from mentalft.show.table import PEOPLE, Cell, Column, Table, figure, markdown, terminal
from mentalft.show.verdict import verdict_sentence
from mentalft.words import Language, Said, contender, labels, told

FILES = PEOPLE - {"terminal"}


class Row(NamedTuple):
    """A metric of one contender in one run, or in all together."""

    m: MetricResult
    contender: str
    run: Said | str
    first: bool
    last: bool

    @property
    def d(self) -> Difference:
        return self.m.differences[self.contender]


def terminal_tables(found: RunsComparison, width: int = 80, language: Language = "en") -> list[RichTable]:
    """The scores, a row a run and metric; and how far the runs lie apart."""
    found = _titled(found, language)
    apart = [terminal(spread_table(found), width, language)] if found.spreads else []
    return [terminal(scores_table(found), width, language), *apart]


def _titled(found: RunsComparison, language: Language) -> RunsComparison:
    runs = tuple(replace(run, metrics=titled(run.metrics, language)) for run in found.runs)
    return replace(found, runs=runs, combined=titled(found.combined, language))


def write_runs_json(found: RunsComparison, path: Path) -> None:
    write_json(path, msgspec.to_builtins(found))


def write_runs_markdown(
    found: RunsComparison, path: Path, language: Language = "en", beside: Sequence[Table[Any]] = ()
) -> None:
    """Args:
    beside: tables of other evidence.
    """
    found = _titled(found, language)
    w, scores, apart = labels("show", language), scores_table(found), spread_table(found)
    blocks = [
        [f"# {told(scores.title, language)}"],
        [f"**{verdict_sentence(found, language)}**"],
        [f"{number}. `{run.name}`" for number, run in enumerate(found.runs, 1)],
        [f"- {told(Said(f'show.{gate.level}_line', {'what': gate.line}), language)}" for gate in found.gates],
        [f"- {told(Said('show.note_line', {'what': note}), language)}" for note in found.notes],
        markdown(scores, language),
        [told(how_to_read(found), language)] if found.combined else [],
        [f"## {told(apart.title, language)}"] if found.spreads else [],
        markdown(apart, language) if found.spreads else [],
        *(block for table in beside for block in ([f"## {told(table.title, language)}"], markdown(table, language))),
        [f"## {w['signatures']}", "", *(f"- `{m.signature}`" for m in found.runs[0].metrics)],
    ]
    write_text(path, "\n\n".join("\n".join(block) for block in blocks if block) + "\n")


def how_to_read(found: RunsComparison) -> Said:
    return Said("show.runs_how_seeds" if found.over_seeds else "show.runs_how")


def scores_table(found: RunsComparison) -> Table[Row]:
    others = [name for name in found.contenders if name != found.baseline]
    runs: Said | str = Said("show.runs", {"n": len(found.runs)}) if len(found.runs) > 1 else Said("show.one_run")
    sizes = {"items": found.items, "dialogues": found.dialogues, "decoding": decoding_of(found.decoding)}
    return Table(
        [
            Column("metric", Said("show.metric"), lambda r: Cell(r.m.title, r.m.metric), FILES, left=True),
            Column("metric_once", Said("show.metric"), lambda r: metric_cell(r.m, first=r.first),
                   PEOPLE - FILES, left=True, wraps=True),
            *([Column[Row]("run", Said("show.run"), lambda r: Cell(r.run), PEOPLE)] if len(found.runs) > 1 else []),
            *score_columns(found.baseline, others, lambda r: (r.m, r.contender)),
            Column("difference", Said("show.difference"), lambda r: figure(r.d.difference, signed)),
            Column("interval", interval_heading(found.confidence), lambda r: Cell(spread(r.d.interval))),
            Column("p_holm", Said("show.holm"), lambda r: figure(r.d.p_holm, probability)),
            Column("win_tie_loss", Said("show.win_tie_loss"),
                   lambda r: Cell(f"{r.d.wins}/{r.d.ties}/{r.d.losses}"), FILES),
            Column("verdict", Said("show.verdict"), lambda r: verdict_cell(r.d), left=True),
        ],
        list(_rows(found, others)),
        Said(
            "show.caption_runs",
            {**names_of(found.baseline, others), **sizes, "baseline": at_the_beginning(found.baseline), "runs": runs},
        ),
        kind=lambda r: "all" if isinstance(r.run, Said) else "",
        ends=lambda r: r.last,
    )  # fmt: skip


def _rows(found: RunsComparison, others: list[str]) -> Iterator[Row]:
    combined = {m.metric: m for m in found.combined}
    for place, m in enumerate(found.runs[0].metrics):
        for name in others:
            rows: list[tuple[Said | str, MetricResult]] = [
                (str(number), run.metrics[place]) for number, run in enumerate(found.runs, 1)
            ]
            rows += [(Said("show.all"), combined[m.metric])] if m.metric in combined else []
            rows = [(run, of_run) for run, of_run in rows if name in of_run.differences]
            for i, (run, of_run) in enumerate(rows):
                begins = i == 0 and (len(found.runs) > 1 or name == next(iter(of_run.differences)))
                yield Row(of_run, name, run, first=begins, last=1 < len(rows) == i + 1)


def spread_table(found: RunsComparison) -> Table[Spread]:
    titles = {m.metric: m.title for m in found.runs[0].metrics}
    several = [Column("contender", Said("show.contender"), _contender, left=True)] if len(found.contenders) > 2 else []
    return Table(
        [
            Column("metric", Said("show.metric"), lambda s: Cell(titles[s.metric], s.metric), left=True),
            *several,
            Column("mean", Said("show.spread_mean"), lambda s: Cell(f"{signed(s.mean)} ± {plain(s.sd)}", s.mean)),
            Column("range", Said("show.range"), lambda s: Cell(f"{signed(s.low)} … {signed(s.high)}")),
            Column("counts", Said("show.counts"), _counts(found)),
        ],
        found.spreads,
        Said("show.spread"),
    )


def _contender(apart: Spread) -> Cell:
    return Cell(contender(apart.contender), apart.contender)


def _counts(found: RunsComparison) -> Callable[[Spread], Cell]:
    def of(apart: Spread) -> Cell:
        metrics = [m for run in found.runs for m in run.metrics if m.metric == apart.metric]
        verdicts = [m.differences[apart.contender].verdict for m in metrics]
        if DIAGNOSTIC in verdicts:
            return Cell()
        better, worse = verdicts.count(BETTER), verdicts.count(WORSE)
        return Cell(f"{better}/{len(verdicts) - better - worse}/{worse}")

    return of
