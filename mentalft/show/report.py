"""``report.html``: a run in one file that opens anywhere, needs no network, and lets no text of the data run.

Text reaches the page in two ways: escaped by the templates, or as JSON that the page's script shows as text. A policy
in the page allows that one script and that one style sheet, by their hashes, and nothing from elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, partial
from typing import Any

from mentalft.runs.loading import FinishedRun
from mentalft.show import pages
from mentalft.show import report_sections as sections
from mentalft.show.metric_words import METRICS
from mentalft.show.numbers import plain, probability, signed, spread
from mentalft.show.plots.labels import WORDS as CAPTIONS
from mentalft.show.report_chinese import EVIDENCE, NO_TOPICS, overlap_told, told
from mentalft.show.report_items import items_json
from mentalft.show.report_settings import without_secrets
from mentalft.show.report_words import HTML_LANGUAGE, Language, words
from mentalft.show.verdict import verdict_sentence
from mentalft.statistics.grouping import NO_TOPIC, OTHER

SCRIPTS = ("report_texts.js", "report_item.js", "report_list.js", "report_keys.js")
STYLES = ("report.css", "report_items.css")
TRAINING = ("loss", "learning_rate", "grad_norm", "tokens_per_second", "memory")
DISTRIBUTIONS = ("scores", "lengths")
VIEW_BOX = re.compile(r'viewBox="[-\d.]+ [-\d.]+ ([\d.]+) [\d.]+"')
SCALE = 1.55
"""Pixels to a point of a figure: text of 8 points comes out at 12.4 pixels."""
DRAWN_AS_TABLES = ("comparison", "topics")
"""Figures whose content the report has in its tables."""


def report_html(run: FinishedRun, figures: Mapping[str, str], language: Language) -> str:
    """The report of a run as a whole HTML document.

    Args:
        figures: SVG elements without ``style``, by the figure's name, as
            :func:`mentalft.show.plots.inline_svg` makes them.
        language: of the labels; what the run wrote in words, such as warnings, is English, but for what
            :mod:`mentalft.show.report_chinese` knows.
    """
    from markupsafe import Markup

    label, reason = words(language), partial(told, forms=EVIDENCE, language=language)
    style, script = pages.joined(STYLES), f'(() => {{\n"use strict";\n{pages.joined(SCRIPTS)}}})();\n'
    others = [name for name in figures if name not in (*TRAINING, *DISTRIBUTIONS, *DRAWN_AS_TABLES)]
    html: str = _environment().get_template("report.html.j2").render(
        w=label,
        html_language=HTML_LANGUAGE[language],
        policy=pages.policy(style, script),
        style=Markup(style),
        script=Markup(script),
        items=Markup(items_json(run.items, run.comparison.metrics, run.titles, label, reason)),
        run=run,
        name=sections.name_of(run),
        comparison=run.comparison,
        verdict=_unbroken(verdict_sentence(run.comparison, run.titles, language), run.titles.values()),
        facts=sections.facts(run),
        rows=sections.rows(run),
        about={m: (f"{a.scale}; " if a.scale else "") + getattr(a, language) for m, a in METRICS.items()},
        groups=sections.groups(run),
        overlap=overlap_told(run.comparison.overlap or "", language),
        no_topics=told(run.comparison.no_topics or "", NO_TOPICS, language),
        group_names={OTHER: label["other_topics"], NO_TOPIC: label["no_topic"]},
        checks=sections.checks(run),
        training_figures=_figures(figures, TRAINING, language),
        distribution_figures=_figures(figures, (*DISTRIBUTIONS, *others), language),
        data=sections.data(run),
        settings=sections.settings(run),
        costs=sections.costs(run),
        environment=sections.environment(run, label),
        commands=sections.commands(run),
    )  # fmt: skip
    return html


def _figures(figures: Mapping[str, str], names: Sequence[str], language: Language) -> list[tuple[str, str, Any]]:
    """Name, caption and drawing of those of ``names`` that are there."""
    from markupsafe import Markup

    return [
        (name, CAPTIONS[language].get(name, name), Markup(_sized(figures[name]))) for name in names if name in figures
    ]


def _unbroken(sentence: str, titles: Iterable[str]) -> Any:
    """``sentence`` with titles such as ROUGE-L kept on one line, as markup."""
    from markupsafe import Markup, escape

    found = [re.escape(title) for title in sorted(titles, key=len, reverse=True) if "-" in title]
    parts = re.split(f"({'|'.join(found)})", sentence) if found else [sentence]
    spans = (Markup('<span class="whole">{}</span>').format(p) if i % 2 else escape(p) for i, p in enumerate(parts))
    return Markup("").join(spans)


def _sized(svg: str) -> str:
    """``svg`` as wide as its text reads well; a narrow screen makes it smaller."""
    box = VIEW_BOX.search(svg)
    return svg.replace("<svg", f'<svg width="{float(box[1]) * SCALE:.0f}"', 1) if box else svg


@cache
def _environment() -> Any:
    return pages.environment(
        plain=plain, signed=signed, spread=spread, probability=probability, percent=lambda share: f"{share:.1%}",
        size=sections.size, without_secrets=without_secrets,
    )  # fmt: skip
