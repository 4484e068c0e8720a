"""What a comparison found, in a sentence for each contender."""

from __future__ import annotations

from mentalft.records import BETTER, UNDECIDED, WORSE, Comparison
from mentalft.words import BETWEEN, Language, Said, contender, told

TUNED = "tuned"
"""What the run's own model is called, in sentences that speak of it."""


def verdict_sentence(comparison: Comparison, language: Language = "en") -> str:
    """Where each contender is better, worse, or not to be told from the baseline."""
    between = " " if language == "en" else ""
    return between.join(_of(comparison, name, language) for name in comparison.others)


def _of(comparison: Comparison, name: str, language: Language) -> str:
    values = {
        "items": comparison.items,
        "dialogues": comparison.dialogues,
        "all": len(comparison.metrics),
        "name": contender(name),
        "baseline": contender(comparison.baseline),
    }
    verdicts = {m.title: m.differences[name].verdict for m in comparison.metrics if name in m.differences}
    titles = {v: [t for t, of in verdicts.items() if of == v] for v in (BETTER, WORSE, UNDECIDED)}
    if not titles[BETTER] and not titles[WORSE]:
        return told(Said("found.none", values), language)
    parts = [
        told(Said(f"found.{verdict}", {"n": len(names), "names": BETWEEN[language].join(names), **values}), language)
        for verdict, names in titles.items()
        if names
    ]
    whole = "found.whole" if name == TUNED and len(comparison.others) == 1 else "found.whole_of"
    return told(Said(whole, {**values, "parts": told(Said("found.between"), language).join(parts)}), language)
