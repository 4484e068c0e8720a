"""A sweep as people see it: ``sweep.{md,csv,json,html}``, written again after every job, and the terminal.

The page opens anywhere and needs no network; everything in it is escaped.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from mentalft import __version__
from mentalft.console import console, say
from mentalft.errors import first_line
from mentalft.files import MARKED, read_json, sha256_json, write_json, write_text
from mentalft.runs.sweep_files import STATUS, SWEEP_PLAN, trial_dirs
from mentalft.show import pages
from mentalft.show.language import HTML_LANGUAGE
from mentalft.show.sweep import tables
from mentalft.show.sweep.reading import read_sweep
from mentalft.show.sweep.result import Sweep
from mentalft.show.sweep.sentences import (
    command_of,
    counted,
    described,
    headline,
    near_in_words,
    objective_in_words,
    states,
    sweep_command,
    tried,
    warnings_of,
)
from mentalft.show.sweep.trials import check_is_sweep
from mentalft.show.table import Table, csv_text, html, markdown, terminal
from mentalft.words import BETWEEN, Said, told

if TYPE_CHECKING:
    from rich.table import Table as RichTable
    from rich.text import Text

log = logging.getLogger("mentalft")
OUTPUTS = ("sweep.md", "sweep.csv", "sweep.html", "sweep.json")
STYLES, SCRIPTS = ("report.css", "sweep.css"), ("sweep.js",)
LOCK = ".sweep.lock"
WAIT_SECONDS = 120.0
LOOKED_AT = (
    STATUS.name, "comparison.json", "scores.jsonl", "training.jsonl", "report.html", "data/report.json",
    f"{MARKED}/prepare.json", f"{MARKED}/train.json", "adapter/adapter_model.safetensors",
)  # fmt: skip


def write_sweep(sweep_dir: Path, *, again: bool = False) -> None:
    """Write what the trials in ``sweep_dir`` came to so far; jobs that end together wait for each other.

    Args:
        again: also where nothing has changed since it was written.

    Raises:
        DataError: no trial is there.
        filelock.Timeout: another job has been writing for two minutes.
    """
    check_is_sweep(sweep_dir)  # before a lock is left in a folder that is none of a sweep
    with FileLock(sweep_dir / LOCK, timeout=WAIT_SECONDS):
        state = _state(sweep_dir)
        if again or _written_from(sweep_dir) != state:
            sweep = read_sweep(sweep_dir)
            shown = _shown(sweep)
            write_text(sweep_dir / "sweep.md", _markdown(sweep, shown))
            write_text(sweep_dir / "sweep.csv", csv_text(tables.trials_table(sweep)))
            write_text(sweep_dir / "sweep.html", _page(sweep, shown))
            write_json(sweep_dir / "sweep.json", {**_json(sweep), "written_from": state})  # last: it says that all are


def _state(sweep_dir: Path) -> str:
    """Changes when a file that the result is made from does."""
    places = [SWEEP_PLAN.path(sweep_dir), *(run_dir / name for run_dir in trial_dirs(sweep_dir) for name in LOOKED_AT)]
    return sha256_json([__version__, *(_stamp(path) for path in places)])


def _stamp(path: Path) -> list[str | int]:
    try:
        found = path.stat()
    except OSError:
        return [str(path)]
    return [str(path), found.st_size, found.st_mtime_ns]


def _written_from(sweep_dir: Path) -> str | None:
    if not all((sweep_dir / name).is_file() for name in OUTPUTS):
        return None
    try:
        return str(read_json(sweep_dir / "sweep.json")["written_from"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _shown(sweep: Sweep) -> dict[str, Any]:
    """What the templates of page and Markdown are filled with."""
    unfinished = tables.unfinished_table(sweep)
    chosen = sweep.chosen
    return {
        "sweep": sweep,
        "said": sweep.said,
        "name": sweep.sweep_dir.resolve().name,
        "headline": headline(sweep),
        "counted": counted(sweep),
        "states": BETWEEN[sweep.plan.language].join(map(sweep.told, states(sweep))),
        "objective": objective_in_words(sweep),
        "chosen": chosen,
        "described": described(sweep, chosen) if chosen else "",
        "near": near_in_words(sweep),
        "tried": tried(sweep),
        "command": command_of(chosen) if chosen else None,
        "whole": sweep_command(sweep),
        "warnings": warnings_of(chosen) if chosen else [],
        "test": tables.chosen_table(sweep),
        "settings": tables.settings_table(sweep) if sweep.settings else None,
        "seeds": tables.seeds_table(sweep) if sweep.by_seeds else None,
        "unfinished": unfinished if unfinished.rows else None,
        "scores": tables.scores_table(sweep) if len(sweep.settings) != 1 else None,
    }


def _page(sweep: Sweep, shown: dict[str, Any]) -> str:
    from markupsafe import Markup

    language, style, script = sweep.plan.language, pages.joined(STYLES), pages.joined(SCRIPTS)
    page: str = pages.environment(told=sweep.told).get_template("sweep.html.j2").render(
        **shown,
        lang=HTML_LANGUAGE[language],
        drawn=lambda table, sortable=True: html(table, language, sortable=sortable),
        policy=pages.policy(style, script),
        style=Markup(style),
        script=Markup(script),
        figures=_figures(sweep),
    )  # fmt: skip
    return page


def _figures(sweep: Sweep) -> list[tuple[str, str, Any]]:
    """Name, title and SVG of each picture; a picture that cannot be drawn is no reason to have no page."""
    from markupsafe import Markup

    try:
        from mentalft.show.plots import inline_svg
        from mentalft.show.sweep.figures import DRAWN, figures_of

        titles = {name: sweep.said(f"picture.{name}") for name in DRAWN}
        drawn = figures_of(sweep, lambda name, figure: inline_svg(figure, titles[name]))
        return [(name, titles[name], Markup(svg)) for name, svg in drawn.items()]
    except Exception as error:
        log.info("the sweep's pictures failed", exc_info=True)
        say(Said("sweep.no_pictures", {"problem": first_line(error)}), style="yellow")
        return []


def _markdown(sweep: Sweep, shown: dict[str, Any]) -> str:
    environment = pages.environment(told=sweep.told, cell=lambda text: " ".join(text.replace("|", "\\|").split()))
    environment.autoescape = False
    labels = {axis.key: axis.label for axis in sweep.axes}
    written: str = environment.get_template("sweep.md.j2").render(
        **shown,
        drawn=lambda table: "\n".join(markdown(table, sweep.plan.language)),
        shares=", ".join(f"{labels[key]} {share:.2f}" for key, share in sweep.importance.shares.items()),
    )
    return written


def _json(sweep: Sweep) -> dict[str, Any]:
    chosen = sweep.chosen
    return {
        "objective": {"name": sweep.objective_name, "direction": "maximize" if sweep.maximize else "minimize"},
        "axes": [axis.key for axis in sweep.axes],
        "command": sweep.plan.command,
        "sweeper": sweep.plan.sweeper or None,
        "launcher": sweep.plan.launcher or None,
        "started": sweep.plan.started or None,
        "notes": [told(note) for note in sweep.notes],
        "trials_looked_at": len(sweep.looked_at),
        "chosen": chosen and {**chosen.record, "command": command_of(chosen)},
        "base": {"objective": sweep.base_objective, "test": sweep.base_scores},
        "settings": [setting.record for setting in sweep.settings],
        "noise": told(sweep.noise),
        "importance": {"shares": sweep.importance.shares, "how": told(sweep.importance.how)},
        "trials": tables.trial_records(sweep),
    }


def show_sweep(sweep_dir: Path, *, notes: bool = False) -> None:
    """Print the tables, and the command that runs the chosen setting alone.

    Args:
        notes: print first what must be known before trials are compared.
    """
    sweep = read_sweep(sweep_dir)
    for note in sweep.notes if notes else ():
        say(sweep.said("note_line", text=note), style="yellow")
    for table in terminal_tables(sweep, console.width):
        console.print(table)
    if sweep.chosen:
        say(sweep.said("chosen_alone", command=command_of(sweep.chosen)))


def terminal_tables(sweep: Sweep, width: int = 120) -> Iterator[RichTable | Text]:
    """Settings by objective, what has no objective, and the test scores of the chosen one below what warns of them.

    Args:
        width: columns of the terminal; where that is not enough, what is least asked for is left out.
    """
    from rich.text import Text

    def drawn(table: Table[Any], title: Said) -> RichTable:
        return terminal(replace(table, title=title), width, sweep.plan.language)

    if sweep.settings:
        title = Said("sweep.objective.by", {"counted": counted(sweep), "objective": objective_in_words(sweep)})
        yield drawn(tables.settings_table(sweep), title)
    unfinished = tables.unfinished_table(sweep)
    if unfinished.rows:
        yield drawn(unfinished, Said("sweep.without_objective") if sweep.settings else counted(sweep))
    test = tables.chosen_table(sweep)
    if test and sweep.chosen:
        if warnings := warnings_of(sweep.chosen):
            yield Text("\n".join(sweep.said("warning", text=warning) for warning in warnings), style="yellow")
        yield drawn(test, Said("sweep.scores_of", {"setting": described(sweep, sweep.chosen)}))
