"""Finished runs to make reports of: made by hand, so that every text and figure in them is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mentalft.files import write_json, write_jsonl, write_text
from mentalft.records import UNDECIDED, WORSE, Comparison, Flag, Group, Interval, ItemRow, Turn
from mentalft.runs.files import COMPARISON as COMPARISON_FILE
from mentalft.runs.files import ITEMS
from mentalft.runs.loading import FinishedRun, read_run
from tests.show.compared import BLEU, COMPARISON, changed, gate, said

REFERENCE = "听起来你这阵子很累，我们慢慢说。"
SCRIPT = "<script>document.title = 'run'</script></script><!--<img src=x onerror=\"document.title='run'\">"
ARABIC, EMOJI, FULL_WIDTH = "شكرا لك، كيف حالك اليوم؟", "👩‍👩‍👧 没关系的🫶", "ＡＢＣ　１２３"
BY_TOPIC = (Group("睡眠", 6, 12, 0.2, Interval(0.1, 0.3)), Group("other", 4, 4, -0.05, None))
METRICS = (
    changed(BLEU, title="BLEU-4", by_topic=BY_TOPIC),
    changed(
        BLEU, metric="chrf", title="chrF", verdict=UNDECIDED, interval=Interval(-0.1, 0.2), by_topic=BY_TOPIC,
    ),
    changed(
        BLEU, metric="perplexity", title="perplexity", base=800.0, tuned=900.0, difference=100.0,
        interval=Interval(50.0, 150.0), verdict=WORSE, higher_is_better=False, scale=None, length_controlled=None,
        by_topic=BY_TOPIC,
    ),
)  # fmt: skip
RESULT = replace(COMPARISON, metrics=METRICS, gates=(gate("40.0% of the tuned answers are empty <b>here</b>"),))
MANIFEST = {
    "mentalft": "0.1.0",
    "git_commit": "0123456789abcdef",
    "command": ["mentalft", "eval.openai.base_url=http://me:hunter2@localhost/v1", "run_dir=a b"],
    "choices": {"data": "sample"},
    "seeds": {"seed": 7},
    "versions": {"python": "3.11.7", "vllm": None},
    "hardware": {"platform": "Linux x86_64", "cpus": 2, "memory_bytes": 2**34, "gpus": []},
    "data": {"name": "sample"},
    "model": {"name": "tiny"},
    "stages": {"compare": {"seconds": 3.0, "peak_memory_bytes": 2**30}, "train": {"seconds": 60.5}},
}
DATA = {
    "sources": [{"name": "sample", "files": ["a.json"], "file_count": 2, "format": "soulchat", "records": 1200,
                 "licence": "Apache-2.0", "sha256": "0" * 64}],
    "source": {"name": "sample"},
    "rejected": 2, "rejected_by_reason": {"no messages": 2}, "duplicates": 1, "between_splits": 0,
    "repaired_by_rule": {}, "privacy": {"mode": "redact", "dialogues": 3, "phone": 4},
    "dialogues": {"train": 100, "validation": 10, "test": 20}, "assistant_turns": {"train": 400, "validation": 40, "test": 80},
    "topics": {f"主题{n}": {"train": 3, "validation": 1, "test": 1} for n in range(40)},
    "characters": {"train": {"0.5": 200, "0.95": 400, "1": 900}},
}  # fmt: skip


def item(
    number: int, base: str = "先休息一下吧", tuned: str = REFERENCE, *, references: Sequence[str] = (REFERENCE,),
    topic: str | None = "睡眠", scores: tuple[float, float] | None = None, flags: Sequence[str] = (), turns: int = 2,
) -> ItemRow:  # fmt: skip
    """A row of ``items.jsonl``; tuned gains ``number / 100`` where no scores are given, less where it is odd."""
    base_score, tuned_score = scores or (0.5, 0.5 + (-1) ** number * number / 100)
    turn = [Turn("user", f"第{number}晚又睡不着"), Turn("assistant", "嗯，第几晚了")]
    return ItemRow(
        id=f"{number}#1", dialogue_id=str(number), topic=topic, history=tuple((turn * turns)[: 2 * turns - 1]),
        references=tuple(references), answers={"base": base, "tuned": tuned},
        flags={"base": (), "tuned": tuple(Flag(check, said("…证据")) for check in flags)},
        scores={
            "base": {"bleu": base_score, "chrf": 1.0, "perplexity": 800.0},
            "tuned": {"bleu": tuned_score, "chrf": 1.0, "perplexity": 800.0 + number},
        },
    )  # fmt: skip


def with_third(row: ItemRow, name: str = "other-7b") -> ItemRow:
    """``row`` with the answer of one more contender, which scores 0.4."""
    return replace(
        row,
        answers={**row.answers, name: f"第三种回答 {row.id}"},
        flags={**row.flags, name: (Flag("echo", said("…回声")),)},
        scores={**row.scores, name: {"bleu": 0.4, "chrf": 1.0, "perplexity": 810.0}},
    )


def write_run(run_dir: Path, items: Sequence[ItemRow], comparison: Comparison = RESULT) -> FinishedRun:
    """A run with everything."""
    COMPARISON_FILE.save(run_dir, comparison)
    ITEMS.save(run_dir, items)
    write_json(run_dir / "manifest.json", MANIFEST)
    write_json(run_dir / "data" / "report.json", DATA)
    rows = [{"train/step": n, "train/loss": 5 - n / 10, "validation/loss": 5 - n / 20} for n in range(10)]
    write_jsonl(run_dir / "training.jsonl", rows)
    write_text(run_dir / "config.resolved.yaml", "seed: 7\nwandb_api_key: 0123abc\n")
    return read_run(run_dir)


def odd_items() -> list[ItemRow]:
    """What a report must show without taking harm."""
    return [
        item(0, SCRIPT, SCRIPT, topic=SCRIPT, references=(SCRIPT,)),
        item(1, "", "", flags=("empty",)),
        item(2, "很长的回答。" * 3400, "短", references=(REFERENCE, "第二个参考。"), flags=("cut", "repetition")),
        item(3, ARABIC, EMOJI, references=(ARABIC,), topic=None),
        item(4, FULL_WIDTH, "line\u2028separated\u2029text\x00end", turns=6),
    ]
