"""Seconds until a report of many items is open, and until a filter has done its work, in headless Chromium.

python benchmarks/report.py --items 5000
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from corpus import sentences

from mentalft.records import (
    AnswerLengths,
    Comparison,
    Difference,
    Flag,
    Interval,
    ItemRow,
    Message,
    MetricResult,
)
from mentalft.runs.files import COMPARISON, ITEMS
from mentalft.runs.loading import read_run
from mentalft.show.report import report_html
from mentalft.words import Said

METRICS = ("bleu", "corpus_bleu", "chrf", "rouge1", "rouge2", "rougeL", "cosine", "distinct2", "length", "perplexity")
SIDES = ("base", "tuned")
CHECKS = ("echo", "cut", "repetition")
TURNS = 4
"""Items of one dialogue, whose histories begin alike."""
SETTLED = "new Promise(done => requestAnimationFrame(() => setTimeout(() => done(performance.now()))))"
"""The page's clock when the next frame has been drawn."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        COMPARISON.save(path.parent, comparison(options.items))
        ITEMS.save(path.parent, items(options.items))
        began = time.perf_counter()
        path.write_text(report_html(read_run(path.parent), {}, "zh"), encoding="utf-8")
        took = time.perf_counter() - began
        print(f"{options.items} items: written in {took:.1f} s, {path.stat().st_size / 1e6:.1f} MB")
        measure(path, options.rounds)


def items(number: int) -> list[ItemRow]:
    """Items with answers of a few sentences of the sample, in dialogues of several turns."""
    draw = random.Random(0)
    user, assistant = sentences()
    rows: list[ItemRow] = []
    history: tuple[Message, ...] = ()
    for n in range(number):
        if n % TURNS == 0:
            history = ()
        history = (*history, Message("user", "".join(draw.choices(user, k=4))))
        reference = "".join(draw.choices(assistant, k=4))
        rows.append(
            ItemRow(
                id=f"{n // TURNS}#{n % TURNS + 1}", dialogue_id=str(n // TURNS), topic=f"主题{n % 17}",
                history=history, references=(reference,),
                answers={side: "".join(draw.choices(assistant, k=4)) for side in SIDES},
                flags={"base": (), "tuned": (Flag(draw.choice(CHECKS), Said("found.between")),) if n % 9 == 0 else ()},
                scores={side: {name: draw.random() for name in METRICS} for side in SIDES},
            )
        )  # fmt: skip
        history = (*history, Message("assistant", reference))
    return rows


def comparison(number: int) -> Comparison:
    difference = Difference(0.1, Interval(0.05, 0.15), number, 0, 0, 0.01, 0.02, 0.05, "better")
    metrics = tuple(
        MetricResult(
            name, name, name, higher_is_better=True, scale=None, scores={"base": 0.1, "tuned": 0.2},
            differences={"tuned": difference},
        )
        for name in METRICS
    )  # fmt: skip
    return Comparison(
        baseline="base", contenders=SIDES, items=number, dialogues=number // TURNS, confidence=0.95, resamples=10_000,
        seed=0, metrics=metrics, decoding="greedy", answers=dict.fromkeys(SIDES, AnswerLengths(80.0, 1.0)), checks={},
    )  # fmt: skip


def measure(path: Path, rounds: int) -> None:
    """Print medians and maxima over ``rounds`` fresh pages."""
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        raise SystemExit("no chromium, chromium-browser or google-chrome is installed")
    found: dict[str, list[float]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        print(f"Chromium {browser.version}")
        for _ in range(rounds):
            page = browser.new_page()
            page.goto(path.as_uri())
            found.setdefault("open", []).append(page.evaluate(SETTLED))
            for name, change in CHANGES.items():
                change_and_wait = (
                    f"(async () => {{ const began = performance.now(); {change}; return await {SETTLED} - began; }})()"
                )
                found.setdefault(name, []).append(page.evaluate(change_and_wait))
            page.close()
        browser.close()
    for name, times in found.items():
        print(f"{name:32} median {statistics.median(times):6.0f} ms, longest {max(times):6.0f} ms")


def _set(selector: str, value: str, event: str) -> str:
    found = f"document.querySelector('{selector}')"
    return f"{{ const e = {found}; e.value = '{value}'; e.dispatchEvent(new Event('{event}')); }}"


CHANGES = {
    "first search (texts are folded)": _set("#search", "睡", "input"),
    "search, one more character": _set("#search", "睡不", "input"),
    "search, cleared": _set("#search", "", "input"),
    "topic": _set("#topic", "=主题3", "change"),
    "topic, all": _set("#topic", "", "change"),
    "tuned worse": _set("#outcome", "worse", "change"),
    "biggest loss first": _set("#order", "worst", "change"),
    "another metric": _set("#filters .metric", "5", "change"),
    "open an item": "document.querySelector('#list .row').click()",
}

if __name__ == "__main__":
    main()
