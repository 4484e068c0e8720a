"""What is written in the figures: words in English or Chinese, and the names of metrics and topics."""

from __future__ import annotations

from dataclasses import dataclass, field

from mentalft.metrics.registry import titled
from mentalft.records import Comparison
from mentalft.runs.loading import FinishedRun
from mentalft.show.comparison import names_of, places_of
from mentalft.show.groups import group_name
from mentalft.show.plots.fonts import drawable, fonts_for, one_line, shortened
from mentalft.show.plots.style import BUNDLED, SMALL, TEXT
from mentalft.words import Language, Said, catalogue, contender, labels, told

NAME_WIDTH = 1.5
"""Inches that the name of a metric or topic may take."""


def caption_of_figure(name: str, comparison: Comparison, language: Language) -> str:
    """What a figure shows; its name where it is none of ours."""
    if f"plot.{name}" not in catalogue():
        return name
    return told(Said(f"plot.{name}", names_of(comparison.baseline, comparison.others)), language)


@dataclass(frozen=True)
class Labels:
    """The names to write, and the fonts that have their characters."""

    language: Language
    metrics: dict[str, str]
    """Name of a metric → its title, as it is drawn."""
    topics: dict[str, str]
    """The same of topics."""
    contenders: dict[str, str]
    """The same of contenders, the baseline first."""
    fonts: tuple[str, ...] = (BUNDLED,)
    numbered: dict[str, str] = field(default_factory=dict)
    """Number → what it stands for, where no font here has the characters."""

    def word(self, key: str, **values: object) -> str:
        return told(Said(key if "." in key else f"plot.{key}", values), self.language)


def labels_of(run: FinishedRun, language: Language = "en") -> Labels:
    """Names as they are, for a page whose reader's browser has the fonts."""
    whole = _names(run, language)
    return Labels(
        language,
        {name: shortened(title, TEXT, NAME_WIDTH) for name, title in whole.metrics.items()},
        {name: shortened(shown, SMALL, NAME_WIDTH) for name, shown in whole.topics.items()},
        {name: shortened(shown, TEXT, NAME_WIDTH) for name, shown in whole.contenders.items()},
        fonts_for([*_words(language), *whole.metrics.values(), *whole.topics.values(), *whole.contenders.values()]),
    )


def _names(run: FinishedRun, language: Language) -> Labels:
    """Every name in full."""
    c = run.comparison
    groups = [g for m in c.metrics for d in m.differences.values() for g in d.by_topic]
    return Labels(
        language,
        {m.metric: m.title for m in titled(c.metrics, language)},
        {group.name: told(group_name(group.name), language) for group in groups},
        {name: told(contender(name), language) for name in places_of(c)},
    )


def _words(language: Language) -> list[str]:
    return [text for room in ("plot", "verdict") for text in labels(room, language).values()]


def drawable_labels_of(run: FinishedRun, language: Language = "en") -> Labels:
    """Names for files, where a number (T1, M1 …) stands for what no font here can draw.

    Where no font here has Chinese at all, the words are English.
    """
    found = labels_of(run, language)
    if not drawable("".join(_words(language)), found.fonts):
        found = labels_of(run, "en")
    whole = _names(run, found.language)
    numbered: dict[str, str] = {}

    def names(of: dict[str, str], letter: str, in_full: dict[str, str]) -> dict[str, str]:
        shown_as = {}
        for i, (name, shown) in enumerate(of.items(), 1):
            shown_as[name] = shown
            if not drawable(shown, found.fonts):
                shown_as[name] = f"{letter}{i}"
                numbered[shown_as[name]] = one_line(in_full[name])
        return shown_as

    metrics = names(found.metrics, "M", whole.metrics)
    topics = names(found.topics, "T", whole.topics)
    contenders = names(found.contenders, "C", whole.contenders)
    return Labels(found.language, metrics, topics, contenders, found.fonts, numbered)
