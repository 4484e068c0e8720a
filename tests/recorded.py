"""A whole run directory in a moment: made-up data, adapter and answers, recorded and scored as a real run's are."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from mentalft.config import Config
from mentalft.data.items import item_row
from mentalft.files import sha256_file, write_json, write_jsonl
from mentalft.records import Answerer, Item, Made, Message, Response, TrainingResult
from mentalft.runs.files import MADE, TRAINED
from mentalft.runs.loop import run_stage
from mentalft.runs.manifest import record_of, write_records
from mentalft.runs.markers import ModelRecord, Record
from mentalft.runs.place import held
from mentalft.runs.stage import Context
from mentalft.stages import COMPARE, EVALUATE, PREPARE, STAGES, TRAIN
from tests.conftest import dialogue_record
from tests.test_conf import composed

MODEL = ModelRecord("mentalft-tiny", None, "0" * 64, "huggingface")
CHOICES = {"data": "local", "model": "tiny", "lora": "qv_r8", "trainer": "tiny", "eval": "default"}
METRICS = "eval.metrics=[rouge1,length]"
PRIMARY = "eval.primary=rouge1"


def record(cfg: Config | None = None, overrides: tuple[str, ...] = ()) -> Record:
    """Of a command."""
    return replace(record_of(cfg or composed(), overrides, CHOICES, None), model=MODEL)


def run(
    run_dir: Path, cfg: Config, stage: str, work: Callable[[], object] | None = None, overrides: tuple[str, ...] = (),
    *, bare: bool = False,
) -> None:  # fmt: skip
    """Run ``stage``, with ``work`` in place of its own, and keep the run's record, as an experiment does.

    Args:
        bare: there are no files of other stages.
    """
    (declared,) = [s for s in STAGES if s.name == stage]
    if work is not None:
        declared = replace(declared, work=lambda _: work(), inputs=lambda _: {})
    if bare:
        declared = replace(declared, from_run=lambda _: {})

    from mentalft.show.model_card import write_card

    def keep() -> None:
        write_records(run_dir, record(cfg, overrides), STAGES)
        write_card(run_dir)

    with held(run_dir):
        run_stage(declared, Context(cfg, run_dir), partial(record, cfg, overrides), keep)


def recorded_run(run_dir: Path, *overrides: str, items: int = 12) -> Path:
    """A run with all four stages; its corpus lies beside it as ``corpus.json``."""
    run_dir.mkdir(parents=True, exist_ok=True)
    corpus = run_dir.parent / "corpus.json"
    corpus.write_text(json.dumps([dialogue_record(n) for n in range(items)], ensure_ascii=False), encoding="utf-8")
    given = ("data=local", f"data.path={corpus}", METRICS, PRIMARY, "eval.bootstrap_resamples=200", *overrides)
    cfg = composed(*given)
    step = partial(run, run_dir, cfg, overrides=given)
    step(PREPARE.name, partial(_prepare, run_dir, corpus))
    step(TRAIN.name, partial(_train, run_dir))
    step(EVALUATE.name, partial(_evaluate, run_dir, _items(items)))
    step(COMPARE.name)
    return run_dir


def score(run_dir: Path, cfg: Config, overrides: tuple[str, ...] = ()) -> None:
    """The compare stage."""
    run(run_dir, cfg, COMPARE.name, overrides=overrides)


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
    TRAINED.save(run_dir, TrainingResult(1.25))
    write_jsonl(run_dir / "training.jsonl", [{"train/step": 40, "train/tokens_seen": 12345}])


def _items(items: int = 12) -> list[Item]:
    return [
        Item(f"{n}#1", f"d{n}", "睡眠", (Message("user", f"第{n}晚睡不着"),), (f"我们慢慢说第{n}晚，先从睡前开始。",))
        for n in range(items)
    ]


def _evaluate(run_dir: Path, asked: list[Item]) -> None:
    folder = run_dir / "responses"
    write_jsonl(folder / "items.jsonl", (item_row(item) for item in asked))
    MADE.save(run_dir, Made({"base": Answerer("transformers"), "tuned": Answerer("transformers")}, "greedy"))
    for contender, least in (("base", 3), ("tuned", 9)):
        texts = [item.references[0][: least + n % 5] for n, item in enumerate(asked)]
        rows = [asdict(Response(i.id, i.id, t, "stop", len(t))) for i, t in zip(asked, texts, strict=True)]
        write_jsonl(folder / f"{contender}.jsonl", rows)
