"""What is written in the figures: words in English or Chinese, and the names of metrics and topics."""

from __future__ import annotations

from dataclasses import dataclass, field

from mentalft.metrics.registry import titled
from mentalft.records import Comparison
from mentalft.runs.loading import FinishedRun
from mentalft.show.comparison import Compared, names_of, places_of
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

    def row(self, row: Compared, *, alone: bool) -> str:
        """The metric of a row, and its contender where that is not ``alone`` beside the baseline."""
        metric = self.metrics[row.m.metric] + ("" if row.m.higher_is_better else " ↓")
        return metric if alone else self.word("of_contender", metric=metric, name=self.contenders[row.contender])


def labels_of(run: FinishedRun, language: Language = "en", *, for_files: bool = False) -> Labels:
    """Names as they are, for a page whose reader's browser has the fonts.

    Args:
        for_files: a number (T1, M1 …) stands for what no font here can draw, and where no font here has Chinese at all,
            the words are English.
    """
    c = run.comparison
    groups = [g for m in c.metrics for d in m.differences.values() for g in d.by_topic]
    whole: dict[str, dict[str, str]] = {
        "M": {m.metric: m.title for m in titled(c.metrics, language)},
        "T": {group.name: told(group_name(group.name), language) for group in groups},
        "C": {name: told(contender(name), language) for name in places_of(c)},
    }
    words = [text for room in ("plot", "verdict") for text in labels(room, language).values()]
    fonts = fonts_for([*words, *(text for names in whole.values() for text in names.values())])
    if for_files and language != "en" and not drawable("".join(words), fonts):
        return labels_of(run, "en", for_files=True)
    found, numbered = [], {}
    for letter, names in whole.items():
        drawn = {name: shortened(text, SMALL if letter == "T" else TEXT, NAME_WIDTH) for name, text in names.items()}
        for place, (name, text) in enumerate(drawn.items() if for_files else (), 1):
            if not drawable(text, fonts):
                drawn[name] = f"{letter}{place}"
                numbered[drawn[name]] = one_line(names[name])
        found.append(drawn)
    metrics, topics, contenders = found
    return Labels(language, metrics, topics, contenders, fonts, numbered)
