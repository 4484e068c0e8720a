"""A rater's page: one file that opens anywhere, needs no network, and holds nothing that tells whose an answer is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from mentalft.data.clean.help_lines import first_lines
from mentalft.judging.rubric import Rubric, written
from mentalft.records import ItemRow
from mentalft.review.records import GENUINE, Key, Question
from mentalft.safety.signs import signs_of
from mentalft.show import pages
from mentalft.show.language import HTML_LANGUAGE, language_for
from mentalft.show.report.items import IN_SCRIPT
from mentalft.words import Language, labels

STYLES = ("report.css", "review.css")
SCRIPTS = ("elements.js", "review.js")
LANGUAGES: tuple[Language, ...] = ("en", "zh")
REGIONS = ("CN", "HK", "TW", "SG", "US", "CA", "GB", "IE")
"""Whose help lines a rater is shown."""
NO_ANSWER: dict[Language, str] = {
    "zh": "您的订单已发货，预计三天内送达。您的订单已发货，预计三天内送达。您的订单已发货，预计",
    "en": "Your order has been shipped and will arrive in three days. Your order has been shipped and will arrive in",
}
"""What stands against the reference in the attention pair."""


def review_html(key: Key, rater: str, items: Mapping[str, ItemRow], language: Language) -> str:
    """The page of one rater as a whole HTML document, in both languages.

    Args:
        items: by id, those of the key among them.
        language: that it opens in.
    """
    from markupsafe import Markup

    style, script = pages.joined(STYLES), f'(() => {{\n"use strict";\n{pages.joined(SCRIPTS)}}})();\n'
    data = {
        "export": key.export,
        "rater": rater,
        "language": language,
        "words": {name: labels("review_page", name) for name in LANGUAGES},
        "html_languages": HTML_LANGUAGE,
        "rubric": {name: _rubric(key.rubric, name) for name in LANGUAGES},
        "lines": [[region, line.name, line.number] for region in REGIONS for line in first_lines(region)[:1]],
        "questions": [_question(question, items[question.item]) for question in key.pages[rater]],
    }
    page: str = (
        pages.environment()
        .get_template("review.html.j2")
        .render(
            html_language=HTML_LANGUAGE[language],
            policy=pages.policy(style, script),
            style=Markup(style),
            script=Markup(script),
            title=labels("review_page", language)["title"],
            no_script=[labels("review_page", name)["no_script"] for name in LANGUAGES],
            data=Markup(orjson.dumps(data).decode().translate(IN_SCRIPT)),
        )
    )
    return page


def _question(question: Question, item: ItemRow) -> dict[str, Any]:
    answers = [_answer(side, question, item) for side in question.sides]
    history = [[turn.role, turn.content] for turn in item.history if turn.role != "system"]
    return {
        "id": question.id,
        "guess": question.kind == "guess",
        "warned": any(signs_of(text) for text in (*(content for _, content in history), *answers)),
        "history": history,
        "answers": answers,
    }


def _answer(side: str, question: Question, item: ItemRow) -> str:
    if question.kind != "attention":
        return item.answers[side]
    reference = next(filter(None, item.references))
    return reference if side == GENUINE else NO_ANSWER[language_for("auto", [reference])]


def _rubric(rubric: Rubric, language: Language) -> dict[str, Any]:
    return {
        "overall": written(rubric.overall, language),
        "dimensions": [
            {
                "name": dimension.name,
                "title": written(dimension.title, language),
                "question": written(dimension.question, language),
                "levels": [[value, written(text, language)] for value, text in dimension.levels.items()],
            }
            for dimension in rubric.dimensions
        ],
    }
