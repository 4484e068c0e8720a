"""``sweep.html``: a sweep on one page that opens anywhere and needs no network.

Everything reaches the page escaped by the template; a policy in the page allows its one script and one style sheet, by
their hashes, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import shlex
from functools import cache
from importlib import resources
from typing import Any, NamedTuple
from urllib.parse import quote

from mentalft.reporting.sweep.cells import (
    Table,
    chosen_table,
    scores_table,
    settings_table,
    trials_table,
    unfinished_table,
)
from mentalft.reporting.sweep.files import MARKS
from mentalft.reporting.sweep.result import Sweep
from mentalft.reporting.sweep.trials import RUNNING
from mentalft.reporting.sweep.words import (
    MEMORY,
    OPTIMISTIC,
    SECOND_LOOK,
    command_of,
    counted,
    described,
    near_in_words,
    objective_in_words,
    tried,
)

log = logging.getLogger("mentalft")


class Bar(NamedTuple):
    """A metric's difference and interval, on a scale of its own from -1 to 1, turned so that right is better."""

    low: float
    high: float
    middle: float


def sweep_html(sweep: Sweep) -> str:
    """The page as a whole HTML document."""
    from markupsafe import Markup

    style, script = _text("sweep.css"), _text("sweep.js")
    chosen = sweep.chosen
    return str(
        _environment()
        .get_template("sweep.html.j2")
        .render(
            sweep=sweep,
            policy=_policy(style, script),
            style=Markup(style),
            script=Markup(script),
            name=sweep.sweep_dir.resolve().name,
            counted=counted(sweep),
            running=bool(sweep.in_state(RUNNING)),
            objective=objective_in_words(sweep),
            chosen=chosen,
            setting=described(sweep, chosen) if chosen else None,
            optimistic=OPTIMISTIC.format(tried=tried(sweep)),
            near=near_in_words(sweep),
            command=command_of(chosen) if chosen else None,
            test=chosen_table(sweep),
            bars=_bars(sweep),
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


def _bars(sweep: Sweep) -> list[Bar]:
    """Of the chosen run's metrics; empty where the chosen setting has several runs, or none was compared."""
    compared = [trial for trial in sweep.chosen.trials if trial.comparison] if sweep.chosen else []
    if len(compared) != 1 or compared[0].comparison is None:
        return []
    found = []
    for m in compared[0].comparison.metrics:
        size = max(abs(m.interval.low), abs(m.interval.high), abs(m.difference)) or 1.0
        sign = 1 if m.higher_is_better else -1
        low, high = sorted((sign * m.interval.low / size, sign * m.interval.high / size))
        found.append(Bar(low, high, sign * m.difference / size))
    return found


def _figures(sweep: Sweep) -> list[tuple[str, Any]]:
    """Title and SVG of each picture; a picture that cannot be drawn is no reason to have no page."""
    from markupsafe import Markup

    try:
        from mentalft.reporting.plots import inline_svg
        from mentalft.reporting.sweep.figures import TITLES, figures_of

        return [(TITLES[name], Markup(svg)) for name, svg in figures_of(sweep, inline_svg).items()]
    except Exception:
        log.warning("sweep: the pictures could not be drawn", exc_info=True)
        return []


def _policy(style: str, script: str) -> str:
    """Content Security Policy Level 3 (W3C): nothing is loaded, and only what has these hashes is run or applied."""
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


@cache
def _text(name: str) -> str:
    return (resources.files("mentalft.reporting") / "templates" / name).read_text(encoding="utf-8")


@cache
def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("mentalft.reporting", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"address": quote, "shell": shlex.join}
    return environment
