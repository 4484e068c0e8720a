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
from typing import Any

from corpus import sentences

from mentalft.files import write_jsonl
from mentalft.records import Comparison, Interval, MetricComparison
from mentalft.runs.loading import read_run
from mentalft.show.report import report_html
from mentalft.show.tables import write_comparison

METRICS = ("bleu", "corpus_bleu", "chrf", "rouge1", "rouge2", "rougeL", "cosine", "distinct2", "length", "perplexity")
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
        write_comparison(comparison(options.items), {name: name for name in METRICS}, path.parent)
        write_jsonl(path.parent / "items.jsonl", items(options.items))
        began = time.perf_counter()
        path.write_text(report_html(read_run(path.parent), {}, "zh"), encoding="utf-8")
        took = time.perf_counter() - began
        print(f"{options.items} items: written in {took:.1f} s, {path.stat().st_size / 1e6:.1f} MB")
        measure(path, options.rounds)


def items(number: int) -> list[dict[str, Any]]:
    """Items with answers of a few sentences of the sample, in dialogues of several turns."""
    draw = random.Random(0)
    user, assistant = sentences()
    rows: list[dict[str, Any]] = []
    history: list[dict[str, str]] = []
    for n in range(number):
        if n % TURNS == 0:
            history = []
        history = [*history, {"role": "user", "content": "".join(draw.choices(user, k=4))}]
        reference = "".join(draw.choices(assistant, k=4))
        rows.append(
            {
                "id": f"{n // TURNS}#{n % TURNS + 1}", "dialogue_id": str(n // TURNS), "topic": f"主题{n % 17}",
                "history": history, "references": [reference],
                "answers": {side: "".join(draw.choices(assistant, k=4)) for side in ("base", "tuned")},
                "flags": {"base": [], "tuned": [{"check": draw.choice(CHECKS), "evidence": "…"}] if n % 9 == 0 else []},
                "scores": {side: {name: draw.random() for name in METRICS} for side in ("base", "tuned")},
            }
        )  # fmt: skip
        history = [*history, {"role": "assistant", "content": reference}]
    return rows


def comparison(number: int) -> Comparison:
    metrics = tuple(
        MetricComparison(name, name, 0.1, 0.2, 0.1, Interval(0.05, 0.15), number, 0, 0, 0.01, 0.02, 0.05, "better")
        for name in METRICS
    )
    shapes = {side: {"mean_characters": 80.0, "length_ratio": 1.0} for side in ("base", "tuned")}
    return Comparison(number, number // TURNS, 0.95, 10_000, 0, metrics, "greedy", shapes)


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
