"""``report.html``: a run in one file that opens anywhere, needs no network, and lets no text of the data run.

Text reaches the page in two ways: escaped by the templates, or as JSON that the page's script shows as text. A policy
in the page allows that one script and that one style sheet, by their hashes, and nothing from elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from mentalft.records import Comparison
from mentalft.runs.loading import FinishedRun
from mentalft.show import pages
from mentalft.show.comparison import (
    about_of,
    answers_table,
    comparison_table,
    names_of,
    scope_lines,
)
from mentalft.show.evidence import Evidence, evidence_in
from mentalft.show.groups import groups_of
from mentalft.show.language import HTML_LANGUAGE, in_language, sentence
from mentalft.show.plots.labels import caption_of_figure
from mentalft.show.report import sections
from mentalft.show.report.items import items_json
from mentalft.show.table import html as drawn
from mentalft.show.verdict import verdict_sentence
from mentalft.words import Language, Said, labels, told

SCRIPTS = ("elements.js", "report_texts.js", "report_item.js", "report_list.js", "report_keys.js")
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
        language: of everything but the data's own texts.
    """
    from markupsafe import Markup

    c, w, shown = in_language(run.comparison, language), labels("report", language), labels("show", language)
    style, script = pages.joined(STYLES), f'(() => {{\n"use strict";\n{pages.joined(SCRIPTS)}}})();\n'
    others = [name for name in figures if name not in (*TRAINING, *DISTRIBUTIONS, *DRAWN_AS_TABLES)]
    level = f"{round(1 - c.confidence, 6):g}"
    reading = {"resamples": f"{c.resamples:,}", "level": level}
    page: str = _environment().get_template("report.html.j2").render(
        w=w,
        html_language=HTML_LANGUAGE[language],
        policy=pages.policy(style, script),
        style=Markup(style),
        script=Markup(script),
        items=Markup(items_json(run.items, c, language)),
        run=run,
        name=sections.name_of(run),
        comparison=c,
        verdict=_unbroken(verdict_sentence(c, language), [m.title for m in c.metrics]),
        facts=sections.facts(run, language),
        gates=[(gate.level, shown[f"{gate.level}_name"], sentence(gate.line, language)) for gate in c.gates],
        notes=[sentence(note, language) for note in c.notes],
        table=drawn(comparison_table(c, language), language, css="comparison stacked"),
        unseen=drawn(comparison_table(c.unseen, language), language, css="comparison stacked") if c.unseen else None,
        unseen_heading=shown["unseen"],
        how_to_read=told(Said("report.how_to_read", {**names_of(c.baseline, c.others), **reading}), language),
        about=[(m.title, about) for m in c.metrics if (about := _about(m.metric, m.scale, language))],
        groups=[
            (found.key, told(found.heading, language), drawn(found.table, language, css="groups"))
            for found in groups_of(c)
        ],
        groups_how=shown["groups_how"],
        leakage=scope_lines(c, language),
        no_topics=shown["not_shown"].format(why=told(c.no_topics, language)) if c.no_topics else None,
        evidence=[_evidence(one, language) for one in evidence_in(run.run_dir)],
        answers=drawn(answers_table(c), language, css="checks stacked"),
        answers_how=shown["answers_how"],
        signatures_how=shown["signatures_how"],
        training_figures=_figures(figures, TRAINING, c, language),
        distribution_figures=_figures(figures, (*DISTRIBUTIONS, *others), c, language),
        data=sections.data(run),
        settings=sections.settings(run),
        costs=sections.costs(run),
        environment=sections.environment(run, w),
        commands=sections.commands(run),
    )  # fmt: skip
    return page


def _evidence(found: Evidence, language: Language) -> dict[str, Any]:
    """A kind of evidence as its section shows it."""
    from markupsafe import Markup

    return {
        "kind": found.kind,
        "heading": told(found.heading, language),
        "headline": told(found.headline, language),
        "tables": [(told(t.title, language), drawn(t, language, css="stacked")) for t in found.tables],
        "lines": [told(line, language) for line in found.lines],
        "figures": [Markup(_sized(draw(language))) for draw in found.figures.values()],
        "examples": [(told(e.title, language), e.kind, list(e.parts(language))) for e in found.examples],
        "show": told(Said("evidence.examples", {"count": len(found.examples)}), language),
    }


def _about(metric: str, scale: str | None, language: Language) -> str:
    about = about_of(metric, language)
    return f"{scale}; {about}" if about and scale else about


def _figures(
    figures: Mapping[str, str], names: Sequence[str], comparison: Comparison, language: Language
) -> list[tuple[str, str, Any]]:
    """Name, caption and drawing of those of ``names`` that are there."""
    from markupsafe import Markup

    return [
        (name, caption_of_figure(name, comparison, language), Markup(_sized(figures[name])))
        for name in names
        if name in figures
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
    return pages.environment(size=sections.size)
