"""The comparison as Markdown, CSV, JSON, and as a table in the terminal."""

from __future__ import annotations

import csv
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from mentalft.files import read_json, write_json, write_text, written_whole
from mentalft.records import Comparison, Interval, MetricComparison

VERDICT_STYLE = {"better": "green", "worse": "red", "no evidence of a difference": "yellow"}


FEW_DIALOGUES = 20
"""Below about this many clusters a cluster bootstrap is too sure of itself (Cameron, Gelbach and Miller 2008,
"Bootstrap-based improvements for inference with clustered errors", Review of Economics and Statistics 90(3))."""


def write_comparison(comparison: Comparison, titles: dict[str, str], run_dir: Path) -> None:
    """Write ``comparison.json``, ``comparison.csv`` and ``comparison.md``."""
    rows = [
        {**asdict(m), "interval": list(m.interval), "title": titles[m.metric], "verdict": m.verdict}
        for m in comparison.metrics
    ]
    write_json(run_dir / "comparison.json", {**asdict(comparison), "metrics": rows})
    with written_whole(run_dir / "comparison.csv") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(
            ["metric", "base", "tuned", "difference", "low", "high", "wins", "ties", "losses", "verdict", "signature"]
        )
        for m in comparison.metrics:
            writer.writerow(
                [m.metric, m.base, m.tuned, m.difference, *m.interval, m.wins, m.ties, m.losses, m.verdict, m.signature]
            )
    write_text(run_dir / "comparison.md", _markdown(comparison, titles))


def read_comparison(run_dir: Path) -> tuple[Comparison, dict[str, str]]:
    """The comparison that an earlier run wrote, and its metrics' titles."""
    found: dict[str, Any] = read_json(run_dir / "comparison.json")
    metrics, titles = [], {}
    for row in found.pop("metrics"):
        titles[row["metric"]] = row.pop("title")
        row.pop("verdict")
        metrics.append(MetricComparison(**{**row, "interval": Interval(*row["interval"])}))
    return Comparison(**found, metrics=tuple(metrics)), titles


def terminal_table(comparison: Comparison, titles: dict[str, str]) -> Table:
    """The table shown at the end of a run."""
    table = Table(
        title=_caption(comparison), title_justify="left", title_style="bold", box=SIMPLE_HEAD,
        padding=(0, 1), collapse_padding=True, pad_edge=False, show_edge=False,
    )  # fmt: skip  # eighty columns are enough for it
    for heading in _headings(comparison)[:-1]:
        table.add_column(heading, justify="left" if heading == "metric" else "right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for m in comparison.metrics:
        *cells, verdict = _cells(m, titles)
        table.add_row(*cells, f"[{VERDICT_STYLE[verdict]}]{verdict.removesuffix(' of a difference')}[/]")
    return table


def caution_of(comparison: Comparison) -> str | None:
    """What keeps the verdicts from being trusted; None where nothing does."""
    if comparison.dialogues >= FEW_DIALOGUES:
        return None
    return (
        f"Only {comparison.dialogues} dialogues: with fewer than {FEW_DIALOGUES} these intervals are too narrow; "
        "do not rely on the verdicts"
    )


def _headings(comparison: Comparison) -> list[str]:
    return ["metric", "base", "tuned", "diff", f"{comparison.confidence:.0%} interval", "win/tie/loss", "verdict"]


def _cells(m: MetricComparison, titles: dict[str, str]) -> list[str]:
    return [
        titles[m.metric],
        f"{m.base:.4f}",
        f"{m.tuned:.4f}",
        f"{m.difference:+.4f}",
        f"{m.interval.low:+.4f} … {m.interval.high:+.4f}",
        f"{m.wins}/{m.ties}/{m.losses}",
        m.verdict,
    ]


def _caption(comparison: Comparison) -> str:
    where = f"{comparison.items} items from {comparison.dialogues} dialogues"
    return f"Base against tuned on {where}, none of them trained on ({comparison.decoding})"


def _markdown(comparison: Comparison, titles: dict[str, str]) -> str:
    headings = _headings(comparison)
    lines = [
        f"# {_caption(comparison)}",
        "",
        f"| {' | '.join(headings)} |",
        f"|---|{'---:|' * (len(headings) - 2)}---|",
        *(f"| {' | '.join(_cells(m, titles))} |" for m in comparison.metrics),
        "",
        "The interval is that of the difference (paired bootstrap over dialogues, percentile). "
        "One that excludes 0 reads better or worse; otherwise there is no evidence of a difference.",
        *(["", f"Overlap with the train split: {comparison.overlap}."] if comparison.overlap else []),
        *(["", f"**{caution}**"] if (caution := caution_of(comparison)) else []),
        "",
        "| answers | mean characters | empty | cut at the limit |",
        "|---|---:|---:|---:|",
        *(
            f"| {side} | {shape['mean_characters']:.0f} | {shape['empty']:.1%} | {shape['cut']:.1%} |"
            for side, shape in comparison.responses.items()
        ),
        "",
        "Signatures; scores with unequal signatures are not comparable:",
        "",
        *(f"- `{m.signature}`" for m in comparison.metrics),
        "",
    ]
    return "\n".join(lines)
