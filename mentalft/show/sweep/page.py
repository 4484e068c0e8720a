"""``sweep.html``: a sweep on one page that opens anywhere and needs no network; everything in it is escaped."""

from __future__ import annotations

import logging
from typing import Any

from mentalft.console import say
from mentalft.errors import first_line
from mentalft.show import pages
from mentalft.show.sweep.result import Sweep
from mentalft.show.sweep.sentences import (
    command_of,
    headline,
    near_in_words,
    objective_in_words,
    states,
    sweep_command,
    tried,
    warnings_of,
)
from mentalft.show.sweep.tables import chosen_table, scores_table, seeds_table, settings_table, unfinished_table
from mentalft.show.table import html
from mentalft.words import BETWEEN, Said, told

log = logging.getLogger("mentalft")
STYLES, SCRIPTS = ("report.css", "sweep.css"), ("sweep.js",)


def sweep_html(sweep: Sweep) -> str:
    """The page as a whole HTML document, in the sweep's language."""
    from markupsafe import Markup

    language = sweep.language

    def said(key: str, **values: Any) -> str:
        return told(Said(f"sweep.{key}", values), language)

    def drawn(table: Any, *, sortable: bool = True) -> Markup:
        return html(table, language, sortable=sortable)

    style, script = pages.joined(STYLES), pages.joined(SCRIPTS)
    unfinished = unfinished_table(sweep)
    template = pages.environment(told=lambda text: told(text, language)).get_template("sweep.html.j2")
    return str(
        template.render(
            sweep=sweep,
            lang="zh-CN" if language == "zh" else "en",
            said=said,
            drawn=drawn,
            policy=pages.policy(style, script),
            style=Markup(style),
            script=Markup(script),
            name=sweep.sweep_dir.resolve().name,
            headline=headline(sweep),
            states=BETWEEN[language].join(told(state, language) for state in states(sweep)),
            objective=objective_in_words(sweep),
            chosen=sweep.chosen,
            near=near_in_words(sweep),
            tried=tried(sweep),
            command=command_of(sweep.chosen) if sweep.chosen else None,
            whole=sweep_command(sweep),
            test=chosen_table(sweep),
            warnings=warnings_of(sweep.chosen) if sweep.chosen else [],
            settings=settings_table(sweep) if sweep.settings else None,
            seeds=seeds_table(sweep) if sweep.by_seeds else None,
            unfinished=unfinished if unfinished.rows else None,
            scores=scores_table(sweep) if len(sweep.settings) != 1 else None,
            figures=_figures(sweep),
        )
    )


def _figures(sweep: Sweep) -> list[tuple[str, str, Any]]:
    """Name, title and SVG of each picture; a picture that cannot be drawn is no reason to have no page."""
    from markupsafe import Markup

    try:
        from mentalft.show.plots import inline_svg
        from mentalft.show.sweep.figures import NAMES, figures_of

        titles = {name: told(Said(f"sweep.picture.{name}"), sweep.language) for name in NAMES}
        drawn = figures_of(sweep, lambda name, figure: inline_svg(figure, titles[name]))
        return [(name, titles[name], Markup(svg)) for name, svg in drawn.items()]
    except Exception as error:
        log.info("the sweep's pictures failed", exc_info=True)
        say(Said("sweep.no_pictures", {"problem": first_line(error)}), style="yellow")
        return []
