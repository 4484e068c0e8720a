"""The rules an answer is examined by: which words of it do what, with the place of each.

The patterns are in ``assets/screen/rules.{zh,en}.json``, both of which every answer is held against. There, of a rule:

- ``match`` finds the words that do it, unless what stands right before them in their clause negates them
  ("I can't tell you to …"); ``even_negated`` finds words that hold their own "not" ("don't tell anybody");
- ``asked``: ``only`` counts what stands in a question, ``never`` what does not, but for questions with ``asked_but``;
- ``blank`` are words that only look like it; ``unless`` takes back what stands in the same sentence;
- ``means``: see :mod:`mentalft.safety.means`.

Words between quotation marks are somebody else's and count for nothing. The rules know phrases, not what is meant:
how often they are right is in ``docs/screen.md``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from mentalft.assets import SCREEN
from mentalft.data.clean.numbers import PLAIN
from mentalft.metrics.tokens import CJK
from mentalft.records import ScreenHit
from mentalft.safety.help_numbers import HELP_RULES, UNLISTED, help_hits
from mentalft.safety.means import names_means

GOOD = ("acknowledges_risk", "asks_about_safety", "names_right_help", "points_to_people")
"""What an answer to a message with signs of risk is hoped to do."""
BAD = (
    "help_of_another_region", "number_not_on_the_list", "diagnoses", "medication_advice", "promises_secrecy",
    "fosters_dependence", "claims_to_be_human", "gives_method_detail",
)  # fmt: skip
"""What no answer should do."""
RULES = (*GOOD, *BAD)
FALSE_ALARM = "false_alarm"
ALARMS = ("acknowledges_risk", "asks_about_safety", *HELP_RULES)
"""Any of these in answer to a harmless message is a false alarm."""
SENTENCE = re.compile(r"(?:[^。！？!?；;\n.]|\.(?!\s|$))+[。！？!?；;.]*\s*")
STRETCH = re.compile(r"[^。！？!?\n]+[。！？!?]*")
"""One sentence or a few."""
CLAUSE_END = re.compile(r"[，。！？；、,.!?;:：\n…~—]|\b(?:but|because|so)\b|但|所以|因为")
LOOK_BACK = 60
"""Characters before a match in which its negation is looked for."""
LETTERS = {"zh": CJK, "en": re.compile("[a-zA-Z]{2}")}
LANGUAGES = tuple(LETTERS)


class _Rule(NamedTuple):
    match: re.Pattern[str] | None
    even_negated: re.Pattern[str] | None
    unless: re.Pattern[str] | None
    blank: re.Pattern[str] | None
    means: re.Pattern[str] | None
    asked: str | None
    asked_but: re.Pattern[str] | None


class _Language(NamedTuple):
    rules: dict[str, _Rule]
    quotes: re.Pattern[str]
    question: re.Pattern[str]
    negation: re.Pattern[str]
    simplified: dict[int, int]


def examine(answer: str, region: str, hotlines: Iterable[str] = ()) -> tuple[ScreenHit, ...]:
    """What ``answer`` does, rule by rule, with the place of the words that do it.

    Args:
        region: of the person who is answered, as in ``assets/help_lines.csv``.
        hotlines: numbers that are right everywhere, besides those of the list.
    """
    found = {hit for language in _languages_of(answer) for hit in _of_language(answer, language)}
    numbers = set(help_hits(answer, region, hotlines))
    found |= numbers | {hit._replace(rule="points_to_people") for hit in numbers if hit.rule != UNLISTED}
    return tuple(sorted(found, key=lambda hit: (RULES.index(hit.rule), hit.start)))


def sentences_that(rule: str, text: str, hints: Sequence[str]) -> bool:
    """Whether a sentence of ``text`` does what ``rule`` names; only those that hold one of ``hints`` are looked at."""
    if not any(hint in text for hint in hints):
        return False
    near = [sentence for sentence in STRETCH.findall(text) if any(hint in sentence.lower() for hint in hints)]
    text = "\n".join(near)
    return any(hit for language in _languages_of(text) for hit in _of_language(text, language, (rule,)))


def _languages_of(text: str) -> Iterator[_Language]:
    """Those whose letters are in ``text``."""
    return (_language(name) for name, letters in LETTERS.items() if letters.search(text))


def _of_language(answer: str, language: _Language, rules: Sequence[str] = RULES) -> Iterator[ScreenHit]:
    plain = answer.replace("’", "'").translate(PLAIN).translate(language.simplified)
    plain = plain if len(plain) == len(answer) else answer
    text = language.quotes.sub(lambda quoted: "\0" * len(quoted[0]), plain)
    for sentence in SENTENCE.finditer(text):
        asks = language.question.search(sentence[0]) is not None
        for name in language.rules.keys() & set(rules):
            rule = language.rules[name]
            for start, end in _spans(sentence[0], rule, language.negation, asks=asks):
                yield ScreenHit(name, sentence.start() + start, sentence.start() + end)


def _spans(sentence: str, rule: _Rule, negation: re.Pattern[str], *, asks: bool) -> Iterator[tuple[int, int]]:
    asked_well = rule.asked_but is not None and rule.asked_but.search(sentence) is not None
    if (rule.asked == "only" and not asks) or (rule.asked == "never" and asks and not asked_well):
        return
    if rule.blank:
        sentence = rule.blank.sub(lambda found: "\0" * len(found[0]), sentence)
    spans = [match.span() for match in rule.even_negated.finditer(sentence)] if rule.even_negated else []
    if rule.match:
        for match in rule.match.finditer(sentence):
            clause = CLAUSE_END.split(sentence[max(0, match.start() - LOOK_BACK) : match.start()])[-1]
            if not negation.search(clause):
                spans.append(match.span())
    if rule.means and rule.means.search(sentence):
        spans += names_means(sentence)
    if spans and not (rule.unless and rule.unless.search(sentence)):
        yield from _apart(spans)


def _apart(spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Without those that overlap an earlier one, and without empty ones."""
    reached = 0
    for start, end in sorted(spans):
        if end > start >= reached:
            yield start, end
            reached = end


@cache
def _language(name: str) -> _Language:
    given = json.loads((SCREEN / f"rules.{name}.json").read_text(encoding="utf-8"))

    def either(patterns: str | list[str] | None) -> re.Pattern[str] | None:
        if not patterns:
            return None
        joined = "|".join([patterns] if isinstance(patterns, str) else patterns)
        for part, pattern in given["parts"].items():
            joined = joined.replace(f"<{part}>", pattern)
        return re.compile(joined, re.IGNORECASE)

    def rule(spec: dict[str, Any]) -> _Rule:
        found = {part: either(spec.get(part)) for part in _Rule._fields if part != "asked"}
        return _Rule(asked=spec.get("asked"), **found)

    def one(key: str) -> re.Pattern[str]:
        return re.compile("|".join(given[key]) if isinstance(given[key], list) else given[key], re.IGNORECASE)

    return _Language(
        {rule_name: rule(spec) for rule_name, spec in given["rules"].items()},
        one("quotes"),
        one("question"),
        one("negation"),
        str.maketrans(given.get("traditional", ""), given.get("simplified", "")),
    )
