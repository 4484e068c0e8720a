"""A whole run directory in a moment: made-up data, adapter and answers, recorded and scored as a real run's are."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from mentalft.runs.markers import StageRunner
from mentalft.config import Config
from mentalft.data.items import item_row
from mentalft.files import digest_file, sha256_file, sha256_folder, write_json, write_jsonl
from mentalft.records import SIDES, Asked, Item, Message, Response
from mentalft.runs.manifest import record_of, write_manifest
from mentalft.show.model_card import write_card
from mentalft.runs.settings import write_settings
from mentalft.comparison.compare import compare
from tests.conftest import dialogue_record
from tests.test_conf import composed

MODEL: dict[str, str | None] = {
    "name": "mentalft-tiny", "revision": None, "fingerprint": "0" * 64, "hub": "huggingface",
}  # fmt: skip
CHOICES = {"data": "local", "model": "tiny", "lora": "qv_r8", "trainer": "tiny", "eval": "default"}
METRICS = "eval.metrics=[rouge1,length]"


def run_stage(
    run_dir: Path, cfg: Config, stage: str, made_from: dict[str, Any], work: Callable[[], object], outputs: list[str],
    overrides: tuple[str, ...] = (), model: dict[str, str | None] | None = MODEL,
) -> None:  # fmt: skip
    """Run ``work`` as ``stage`` and keep the run's record, as an experiment does."""
    record = partial(record_of, cfg, overrides, CHOICES, model)

    def keep() -> None:
        write_settings(run_dir, record()["config"])
        write_manifest(run_dir, record())
        write_card(run_dir)

    StageRunner(run_dir, record, keep).run(stage, made_from, work, outputs)


def recorded_run(run_dir: Path, *overrides: str, items: int = 12) -> Path:
    """A run with all four stages; its corpus lies beside it as ``corpus.json``."""
    run_dir.mkdir(parents=True, exist_ok=True)
    corpus = run_dir.parent / "corpus.json"
    corpus.write_text(json.dumps([dialogue_record(n) for n in range(items)], ensure_ascii=False), encoding="utf-8")
    given = ("data=local", f"data.path={corpus}", METRICS, "eval.bootstrap_resamples=200", *overrides)
    cfg = composed(*given)
    run = partial(run_stage, run_dir, cfg, overrides=given)
    run("prepare", {}, partial(_prepare, run_dir, corpus), ["data/*"])
    splits = {name: run_dir / "data" / f"{name}.jsonl" for name in ("train", "validation", "test")}
    learnt_from = [digest_file(splits[name]) for name in ("train", "validation")]
    run("train", {"data": learnt_from}, partial(_train, run_dir), ["adapter/*", "training.json", "training.jsonl"])
    adapter = sha256_folder(run_dir / "adapter", ("adapter_*",))
    asked_from = {"data": [digest_file(splits["test"])], "adapter": adapter}
    asked = _items(items)
    run("evaluate", asked_from, partial(_evaluate, run_dir, asked), ["responses/*.jsonl"])
    score(run_dir, cfg, asked, overrides=given)
    return run_dir


def score(run_dir: Path, cfg: Config, asked: list[Item] | None = None, overrides: tuple[str, ...] = ()) -> None:
    """The compare stage."""
    asked, folder = asked or _items(), run_dir / "responses"
    responses = {side: folder / f"{side}.jsonl" for side in SIDES}
    made_from = {
        "items": digest_file(folder / "items.jsonl"),
        "responses": [digest_file(path) for path in responses.values()],
        "eval": cfg.eval.metrics,
    }
    overlap = "none of the test split, which shares no opening and no near duplicate with it"
    work = partial(compare, cfg.eval, Asked(asked, folder, responses, "greedy"), cfg.seed, run_dir, overlap)
    outputs = ["metrics.json", "comparison.*", "items.jsonl", "scores.jsonl"]
    run_stage(run_dir, cfg, "compare", made_from, work, outputs, overrides)


def _prepare(run_dir: Path, corpus: Path) -> None:
    for number, name in enumerate(("train", "validation", "test")):
        rows = [{**dialogue_record(4 * number + n), "id": f"{name}-{n}"} for n in range(4)]
        write_jsonl(run_dir / "data" / f"{name}.jsonl", rows)
    terms = {"licence": "Apache-2.0", "homepage": None, "sha256": sha256_file(corpus)}
    report = {
        "sources": [{"name": "corpus.json", **terms}],
        "source": {"name": "local", **terms},
        "dialogues": {"train": 4, "validation": 4, "test": 4},
        "assistant_turns": {"train": 8, "validation": 8, "test": 8},
        "overlap": {},
    }
    write_json(run_dir / "data" / "report.json", report)


def _train(run_dir: Path) -> None:
    write_json(run_dir / "adapter" / "adapter_config.json", {"r": 8})
    for name in ("adapter_model.safetensors", "chat_template.jinja"):
        (run_dir / "adapter" / name).write_text("made up")
    (run_dir / "adapter" / "README.md").write_text("what peft writes")
    write_json(run_dir / "training.json", {"validation_loss": 1.25})
    write_jsonl(run_dir / "training.jsonl", [{"train/step": 40, "train/tokens_seen": 12345}])


def _items(items: int = 12) -> list[Item]:
    return [
        Item(f"{n}#1", f"d{n}", "睡眠", (Message("user", f"第{n}晚睡不着"),), (f"我们慢慢说第{n}晚，先从睡前开始。",))
        for n in range(items)
    ]


def _evaluate(run_dir: Path, asked: list[Item]) -> None:
    folder = run_dir / "responses"
    write_jsonl(folder / "items.jsonl", (item_row(item) for item in asked))
    write_json(folder / "decoding.json", {"decoding": "greedy", "engine": "transformers"})
    for side, least in (("base", 3), ("tuned", 9)):
        texts = [item.references[0][: least + n % 5] for n, item in enumerate(asked)]
        rows = [Response(i.id, i.id, t, "stop", len(t)).to_json() for i, t in zip(asked, texts, strict=True)]
        write_jsonl(folder / f"{side}.jsonl", rows)
