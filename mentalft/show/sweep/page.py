"""``sweep.html``: a sweep on one page that opens anywhere and needs no network; everything in it is escaped."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import quote

from mentalft.records import BETTER, UNDECIDED, WORSE
from mentalft.show import pages
from mentalft.show.report_shapes import Strip, strip
from mentalft.show.sweep.cells import Table, settings_table, trials_table, unfinished_table
from mentalft.show.sweep.result import BEST, NEAR, Sweep
from mentalft.show.sweep.scores import MARKS, chosen_table, scores_table
from mentalft.show.sweep.trials import FAILED, RUNNING, UNREADABLE
from mentalft.show.sweep.words import (
    MEMORY,
    OPTIMISTIC,
    SECOND_LOOK,
    command_of,
    counted,
    headline,
    near_in_words,
    objective_in_words,
    sweep_command,
    tried,
    warnings_of,
)

log = logging.getLogger("mentalft")
STYLES, SCRIPTS = ("report.css", "sweep.css"), ("sweep.js",)
PILLS = {
    BEST: "picked", NEAR: "better", BETTER: "better", WORSE: "worse", UNDECIDED: "undecided", FAILED: "worse",
    UNREADABLE: "worse", RUNNING: "undecided",
}  # fmt: skip
"""Words that are drawn as labels, and the class of each."""


def sweep_html(sweep: Sweep) -> str:
    """The page as a whole HTML document."""
    from markupsafe import Markup

    style, script = pages.joined(STYLES), pages.joined(SCRIPTS)
    chosen = sweep.chosen
    template = pages.environment(address=quote).get_template("sweep.html.j2")
    return str(
        template.render(
            sweep=sweep,
            pills=PILLS,
            policy=pages.policy(style, script),
            style=Markup(style),
            script=Markup(script),
            name=sweep.sweep_dir.resolve().name,
            headline=headline(sweep),
            counted=counted(sweep).partition(": ")[2],
            objective=objective_in_words(sweep),
            chosen=chosen,
            near=near_in_words(sweep),
            optimistic=OPTIMISTIC.format(tried=tried(sweep)),
            command=command_of(chosen) if chosen else None,
            whole=sweep_command(sweep),
            test=chosen_table(sweep),
            warnings=warnings_of(chosen) if chosen else [],
            strips=_strips(sweep),
            settings=settings_table(sweep) if sweep.settings else None,
            seeds=_seeds(sweep),
            unfinished=unfinished_table(sweep),
            scores=scores_table(sweep) if len(sweep.settings) != 1 else None,
            figures=_figures(sweep),
            second_look=SECOND_LOOK,
            memory=MEMORY,
            marks=MARKS,
        )
    )


def _seeds(sweep: Sweep) -> Table | None:
    return trials_table(sweep, [t for s in sweep.settings for t in s.trials]) if sweep.by_seeds else None


def _strips(sweep: Sweep) -> list[Strip]:
    """Of the chosen run's metrics; empty where the chosen setting has several runs, or none was compared."""
    compared = [t.comparison for t in sweep.chosen.trials if t.comparison] if sweep.chosen else []
    return [strip(m) for m in compared[0].metrics] if len(compared) == 1 else []


def _figures(sweep: Sweep) -> list[tuple[str, str, Any]]:
    """Name, title and SVG of each picture; a picture that cannot be drawn is no reason to have no page."""
    from markupsafe import Markup

    try:
        from mentalft.show.plots import inline_svg
        from mentalft.show.sweep.figures import TITLES, figures_of

        drawn = figures_of(sweep, lambda name, figure: inline_svg(figure, TITLES[name]))
        return [(name, TITLES[name], Markup(svg)) for name, svg in drawn.items()]
    except Exception:
        log.warning("sweep: the pictures could not be drawn", exc_info=True)
        return []
