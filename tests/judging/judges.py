"""Judges of known ways on a local server, and answers of known worth for them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mentalft.config import Config
from mentalft.data.items import item_row
from mentalft.files import write_jsonl
from mentalft.records import Answerer, Item, Made, Message, Response
from mentalft.runs.files import MADE
from tests.generation.test_openai_engine import said
from tests.test_conf import composed

Judge = Callable[[str, str], str]
"""The two answers in the order shown → ``A``, ``B`` or ``tie``."""
_ANSWERS = re.compile(r"<answer_a>\n(.*)\n</answer_a>\n\n<answer_b>\n(.*)\n</answer_b>", re.DOTALL)


def worth(answer: str) -> int:
    """How good an answer is, as it says itself."""
    return int(answer.rpartition("=")[2])


def perfect(a: str, b: str) -> str:
    return "tie" if worth(a) == worth(b) else "A" if worth(a) > worth(b) else "B"


def always_first(a: str, b: str) -> str:
    return "A"


def longest(a: str, b: str) -> str:
    return "tie" if len(a) == len(b) else "A" if len(a) > len(b) else "B"


def at_random(a: str, b: str) -> str:
    return "AB"[hashlib.sha256(f"{a}\x1f{b}".encode()).digest()[0] % 2]


def shown(body: dict[str, Any]) -> tuple[str, str]:
    """The two answers in a request."""
    found = _ANSWERS.search(body["messages"][-1]["content"])
    assert found
    return found[1], found[2]


def careless(a: str, b: str) -> str:
    """Wrong on one item of five, whatever the order."""
    found = perfect(a, b)
    return {"A": "B", "B": "A"}.get(found, found) if number_of(a) % 5 == 1 else found


def number_of(answer: str) -> int:
    """Of the item."""
    return int(answer.partition("第")[2].partition("晚")[0])


def reply_of(judge: Judge) -> Callable[[dict[str, Any], int], Any]:
    """For the server: the judge's verdict as JSON, ratings where the request asks for them."""

    def reply(body: dict[str, Any], _: int) -> Any:
        a, b = shown(body)
        dimensions = re.findall(r"^- (\w+) \(", body["messages"][-1]["content"], re.MULTILINE)
        ratings = {side: dict.fromkeys(dimensions, 1) for side in "AB"}
        return 200, said(json.dumps({"reason": "because", "ratings": ratings, "choice": judge(a, b)})), {}

    return reply


def answered(run_dir: Path, items: int = 60, *, others: tuple[str, ...] = ("tuned",)) -> Path:
    """A run whose contenders have answered: the tuned model is better on three items of four, whatever the lengths."""
    asked = [
        Item(f"d{n}#1", f"d{n}", "睡眠", (Message("user", f"第{n}晚睡不着"),), ("慢慢说。",)) for n in range(items)
    ]
    write_jsonl(run_dir / "responses" / "items.jsonl", map(item_row, asked))
    MADE.save(run_dir, Made({n: Answerer("transformers", "smol-model") for n in ("base", *others)}, "greedy"))
    for name in ("base", *others):
        texts = [_text(name, n) for n in range(items)]
        rows = [asdict(Response(i.id, i.id, t, "stop", len(t))) for i, t in zip(asked, texts, strict=True)]
        write_jsonl(run_dir / "responses" / f"{name}.jsonl", rows)
    return run_dir


def _text(name: str, number: int) -> str:
    drawn = hashlib.sha256(f"{name} {number}".encode()).digest()
    better = (number % 4 != 0) == (name != "base")
    return f"{'嗯' * (4 + drawn[0] % 24)}，第{number}晚，worth={1 + better}"


def config(url: str, *overrides: str) -> Config:
    return composed(
        "stages=[judge]", "judge=openai", f"judge.base_url={url}", "judge.model=gpt-judge",
        "eval.bootstrap_resamples=400", "judge.concurrency=4", "judge.max_retries=1", "judge.timeout=5", *overrides,
    )  # fmt: skip
