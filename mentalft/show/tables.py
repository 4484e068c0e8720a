"""The comparison as Markdown, CSV, JSON, and as a table in the terminal."""

from __future__ import annotations

import csv
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from mentalft.errors import DataError
from mentalft.files import read_json, write_json, write_text, written_whole
from mentalft.records import (
    BETTER,
    UNDECIDED,
    WORSE,
    Comparison,
    Group,
    Interval,
    LengthControlled,
    MetricComparison,
)
from mentalft.show.markdown import at_equal_length, caption_of, comparison_markdown
from mentalft.show.numbers import plain, probability, signed, spread

VERDICT_STYLE = {BETTER: "green", WORSE: "red", UNDECIDED: "yellow"}
WIDE = 118
"""Columns of a terminal that has room for every figure."""


def write_comparison(comparison: Comparison, titles: dict[str, str], run_dir: Path) -> None:
    """Write ``comparison.json``, ``comparison.csv`` and ``comparison.md``."""
    rows = [{**asdict(m), "title": titles[m.metric]} for m in comparison.metrics]
    write_json(run_dir / "comparison.json", {**asdict(comparison), "metrics": rows})
    with written_whole(run_dir / "comparison.csv") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        records = [_csv_row(m) for m in comparison.metrics]
        writer.writerow(records[0])
        writer.writerows(record.values() for record in records)
    write_text(run_dir / "comparison.md", comparison_markdown(comparison, titles))


def read_comparison(run_dir: Path) -> tuple[Comparison, dict[str, str]]:
    """The comparison that an earlier run wrote, and its metrics' titles.

    Raises:
        DataError: the file holds something else.
    """
    path = run_dir / "comparison.json"
    try:
        found: dict[str, Any] = read_json(path)
        rows = found.pop("metrics")
        titles = {row["metric"]: row.pop("title") for row in rows}
        metrics = tuple(map(_metric_of, rows))
        texts = {key: tuple(found[key]) for key in ("warnings", "notes")}
        return Comparison(**{**found, **texts}, metrics=metrics), titles
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path}: not what this mentalft writes there ({error!r}); score the run again: "
            f"mentalft run_dir={run_dir} stages=[compare]"
        ) from error


def terminal_table(comparison: Comparison, titles: dict[str, str], width: int = 80) -> Table:
    """The table shown at the end of a run; where the terminal is wide, with every figure."""
    wide = width >= WIDE
    table = compact_table(caption_of(comparison), padding=1 if wide else 0)
    interval = f"{comparison.confidence:.0%} interval"
    tests = ["p", "Holm p"] if wide else ["Holm p"]
    more = ["least\nshown", "win/tie/loss"] if wide else []
    table.add_column("metric")
    for heading in ["base", "tuned", "diff", interval, *tests, "equal\nlength", *more]:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for m in comparison.metrics:
        *figures, holm = figures_of(m)
        p_values = [probability(m.p_value), holm] if wide else [holm]
        rest = [plain(m.smallest_effect), f"{m.wins}/{m.ties}/{m.losses}"] if wide else []
        table.add_row(titles[m.metric], *figures, *p_values, at_equal_length(m), *rest, verdict_cell(m))
    return table


def compact_table(title: str, padding: int = 0) -> Table:
    """An empty table that spends no more columns than it must; without padding they are one space apart."""
    return Table(
        title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD,
        padding=(0, padding), collapse_padding=True, pad_edge=False, show_edge=False,
    )  # fmt: skip


def figures_of(m: MetricComparison) -> list[str]:
    """Base, tuned, difference, interval and corrected p."""
    return [plain(m.base), plain(m.tuned), signed(m.difference), spread(m.interval), probability(m.p_holm)]


def verdict_cell(m: MetricComparison) -> str:
    return f"[{VERDICT_STYLE[m.verdict]}]{m.verdict.removesuffix(' of a difference')}[/]"


def _csv_row(m: MetricComparison) -> dict[str, Any]:
    equal = m.length_controlled
    return {
        "metric": m.metric, "base": m.base, "tuned": m.tuned, "difference": m.difference,
        "low": m.interval.low, "high": m.interval.high, "wins": m.wins, "ties": m.ties, "losses": m.losses,
        "verdict": m.verdict, "p_value": m.p_value, "p_holm": m.p_holm, "smallest_effect": m.smallest_effect,
        "equal_length": equal.difference if equal else None,
        "equal_length_low": equal.interval.low if equal else None,
        "equal_length_high": equal.interval.high if equal else None,
        "signature": m.signature,
    }  # fmt: skip


def _metric_of(row: dict[str, Any]) -> MetricComparison:
    equal = row["length_controlled"]
    return MetricComparison(
        **{
            **row,
            "interval": Interval(*row["interval"]),
            "length_controlled": equal and LengthControlled(**{**equal, "interval": Interval(*equal["interval"])}),
            **{key: tuple(map(_group_of, row[key])) for key in ("by_topic", "by_depth")},
        }
    )


def _group_of(row: dict[str, Any]) -> Group:
    return Group(**{**row, "interval": row["interval"] and Interval(*row["interval"])})
