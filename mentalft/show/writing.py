"""After the comparison: what people look at, ``report.html`` and ``plots/``.

Nothing of a run depends on it, so whatever goes wrong here costs one warning and not the run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from mentalft.config.report import ReportConfig
from mentalft.console import say, shown
from mentalft.errors import first_line
from mentalft.files import write_text
from mentalft.runs.loading import FinishedRun, read_run
from mentalft.show.comparison import write_tables
from mentalft.show.language import language_for, tables_language
from mentalft.show.plots.labels import caption_of_figure
from mentalft.show.report import DRAWN_AS_TABLES, report_html
from mentalft.words import Language, Said, told

REPORT, PLOTS = "report.html", "plots"
T = TypeVar("T")
log = logging.getLogger("mentalft")


def report(cfg: ReportConfig, run_dir: Path) -> Path | None:
    """Write what ``cfg`` asks for, and the tables in its language; return the report's path, None without one.

    An earlier report goes first: it may show other figures than the comparison now does.

    Raises:
        DataError: ``run_dir`` holds no comparison.
    """
    path = run_dir / REPORT
    path.unlink(missing_ok=True)
    run = read_run(run_dir)
    spoken = tables_language(cfg.language)
    write_tables(run.comparison, run_dir, spoken)
    if cfg.plots:
        _tried("plots/", run_dir, spoken, lambda: _write_plots(run, spoken))
    if not cfg.html:
        return None
    language = language_for(cfg.language, (text for item in run.items for text in item.references))
    figures = _tried(Said("writing.figures"), run_dir, spoken, lambda: _figures(run, language)) or {}
    return _tried(REPORT, run_dir, spoken, lambda: _write_report(run, figures, language, path))


def _write_report(run: FinishedRun, figures: dict[str, str], language: Language, path: Path) -> Path:
    write_text(path, report_html(run, figures, language))
    return path


def _figures(run: FinishedRun, language: Language) -> dict[str, str]:
    from mentalft.show.plots import figures_of, inline_svg

    figures = figures_of(run, language).items()
    return {
        name: inline_svg(figure, caption_of_figure(name, run.comparison, language))
        for name, figure in figures
        if name not in DRAWN_AS_TABLES
    }


def _write_plots(run: FinishedRun, language: Language) -> None:
    from mentalft.show.plots import write_plots

    write_plots(run, run.run_dir / PLOTS, language)


def _tried(what: Said | str, run_dir: Path, language: Language, work: Callable[[], T]) -> T | None:
    try:
        return work()
    except Exception as error:
        log.info("%s failed", told(what), exc_info=True)
        values = {"what": what, "why": first_line(error), "run": shown(run_dir)}
        say(told(Said("writing.failed", values), language), style="yellow")
        return None
