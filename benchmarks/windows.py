"""What becomes of long dialogues: cut at the front, or several windows, with more or less history in each.

    python benchmarks/windows.py --dialogues 320 --steps 24 --seeds 1 2

Dialogues as long as SMILECHAT's are made of the embedded sample's: exchanges of one topic, dialogue after dialogue,
none of them in two splits. ``max_length`` is so short that ``truncate`` loses the share of the supervised tokens that
SMILECHAT loses at 512. The embedded model is trained on each for as many steps, and for as many as take ``truncate``'s
processor time. All are validated on the same examples, each answer with all the history that fits, which is what an
evaluation asks; ROUGE-L is that of the answers to test dialogues.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import hydra
import numpy as np
from hydra.core.config_store import ConfigStore
from transformers import set_seed

from mentalft.assets import SAMPLE_DIALOGUES
from mentalft.config import Config
from mentalft.config.composition import load_config
from mentalft.data.asking import as_prompts, fit
from mentalft.data.batches import Collator, Row, encode
from mentalft.data.items import dialogue_items
from mentalft.data.prompts import PromptBuilder
from mentalft.generation.batched import generate
from mentalft.generation.decoding import Decoding
from mentalft.metrics.registry import scorers_of
from mentalft.modeling.adapter import add_adapter
from mentalft.modeling.base import end_token_ids, load_base_model, load_tokenizer
from mentalft.modeling.locate import LocatedModel, locate_model
from mentalft.modeling.precision import plan_precision
from mentalft.records import Dialogue, Message
from mentalft.training.arguments import training_arguments
from mentalft.training.steps import StepPlan
from mentalft.training.trainer import SupervisedTrainer, Validation

EXCHANGES = (5, 16)
"""Drawn evenly between these: 10.5 on average; SMILECHAT has 10.4."""
LOST = 0.315
"""The share of SMILECHAT's supervised tokens that 512 tokens lose, by Qwen2.5's tokenizer."""
WAYS: dict[str, tuple[str, float]] = {
    "truncate": ("truncate", 0),
    "windows, 0": ("windows", 0),
    "windows, 0.5": ("windows", 0.5),
    "windows, 1": ("windows", 1),
}
"""Name → ``data.too_long`` and ``data.least_history``."""


class Set(NamedTuple):
    """What all ways are given."""

    cfg: Config
    located: LocatedModel
    builder: PromptBuilder
    train: list[Dialogue]
    validation: list[Row]
    test: list[Dialogue]


class Found(NamedTuple):
    steps: int
    seconds: float
    """Of the processor, in training."""
    loss: float
    rouge: float


def long_dialogues(sample: Sequence[dict[str, Any]], number: int, draw: random.Random, name: str) -> Iterator[Dialogue]:
    topics: dict[str, list[list[dict[str, str]]]] = {}
    for record in sample:
        topics.setdefault(record["topic"], []).append(record["messages"])
    for index in range(number):
        topic = draw.choice(sorted(topics))
        wanted, messages = 2 * draw.randint(*EXCHANGES), list[dict[str, str]]()
        while len(messages) < wanted:
            messages += draw.choice(topics[topic])
        yield Dialogue(f"{name}{index}", topic, tuple(Message(m["role"], m["content"]) for m in messages[:wanted]))


def length_that_loses(dialogues: Sequence[Dialogue], builder: PromptBuilder) -> int:
    """Tokens at which ``truncate`` loses :data:`LOST` of the supervised tokens."""
    low, high = 64, 4096
    while low < high:
        middle = (low + high) // 2
        if encode(dialogues, builder, middle).shortened.supervised_lost > LOST:
            low = middle + 1
        else:
            high = middle
    return low


def trained(given: Set, rows: list[Row], steps: int, seed: int) -> tuple[Any, Found]:
    """The model after ``steps`` on ``rows``, and how it went but for the answers."""
    trainer_config = replace(given.cfg.trainer, max_steps=steps)
    precision = plan_precision("fp32")
    with tempfile.TemporaryDirectory() as folder:
        arguments = training_arguments(
            trainer_config, Path(folder), seed, precision=precision.name, device=precision.device, resuming=True
        )
        arguments.eval_strategy = arguments.save_strategy = "no"
        arguments.load_best_model_at_end = False
        set_seed(seed)
        model = add_adapter(load_base_model(given.cfg.model, given.located, precision), given.cfg.lora, "embedded")
        size = arguments.per_device_train_batch_size
        lengths, held_out = (tuple(len(row.input_ids) for row in of) for of in (rows, given.validation))
        trainer = SupervisedTrainer(
            model=model,
            args=arguments,
            plan=StepPlan(lengths, size, size, 1, seed, group_by_length=True),
            train_rows=rows,
            validation=Validation(given.validation, StepPlan(held_out, len(held_out), 16, 1, 0, group_by_length=False)),
            collator=Collator(given.builder.tokenizer.pad_token_id),
        )
        began = time.process_time()
        trainer.train()
        seconds = time.process_time() - began
        return model, Found(steps, seconds, trainer.validation_loss(), 0)


def rouge(given: Set, model: Any) -> float:
    """ROUGE-L of greedy answers to the test dialogues, turn by turn."""
    items = [item for dialogue in given.test for item in dialogue_items(dialogue, every_turn=True)]
    prompts = as_prompts(fit(items, [given.builder], given.cfg.data.max_length), given.builder)
    decoding, tokenizer = Decoding.of(given.cfg), given.builder.tokenizer
    ends = end_token_ids(model, given.builder)
    answers = {r.id: r.text for r in generate(model.eval(), tokenizer, prompts, decoding, ends, 64)}
    references = [item.references for item in items if item.id in answers]
    metric = scorers_of(replace(given.cfg.eval, metrics=["rougeL"], extra_metrics=[]), references)["rougeL"]
    return float(metric.total(np.mean(metric.score([answers[p.id] for p in prompts], references), axis=0)))


def prepared(dialogues: int, max_new_tokens: int) -> Set:
    ConfigStore.instance().store("base_config", Config, replace=True)
    with hydra.initialize_config_module("mentalft.conf"):
        overrides = [f"eval.max_new_tokens={max_new_tokens}", "trainer.logging_steps=1000"]
        cfg = load_config(hydra.compose("config", overrides=overrides))
    located = locate_model(cfg.model)
    builder = PromptBuilder.of(cfg, load_tokenizer(cfg.model, located))
    sample = json.loads(SAMPLE_DIALOGUES.read_text(encoding="utf-8"))
    draw = random.Random(0)
    draw.shuffle(sample)
    parts = sample[: len(sample) * 7 // 10], sample[len(sample) * 7 // 10 : len(sample) * 85 // 100]
    train = list(long_dialogues(parts[0], dialogues, draw, "train"))
    validation = list(long_dialogues(parts[1], dialogues // 10, draw, "validation"))
    test = list(long_dialogues(sample[len(sample) * 85 // 100 :], dialogues // 20, draw, "test"))
    max_length = length_that_loses(train, builder)
    cfg = replace(cfg, data=replace(cfg.data, max_length=max_length))
    held_out = encode(validation, builder, max_length, "windows", 1).rows
    turns = [m.content for dialogue in train for m in dialogue.messages]
    print(
        f"{len(train)} dialogues to train on, {len(turns) / 2 / len(train):.1f} turns a side of "
        f"{statistics.mean(map(len, turns)):.0f} characters, data.max_length={max_length}; validated on "
        f"{len(held_out)} examples of {len(validation)} dialogues",
        flush=True,
    )
    return Set(cfg, located, builder, train, held_out, test)


def tried(given: Set, name: str, rows: list[Row], steps: int, seed: int) -> Found:
    model, found = trained(given, rows, steps, seed)
    found = found._replace(rouge=rouge(given, model))
    print(
        f"| {name} | {seed} | {steps} | {found.seconds:.1f} s | {found.loss:.4f} | {found.rouge:.4f} |",
        flush=True,
    )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dialogues", type=int, default=320)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--max-new-tokens", type=int, default=48)
    arguments = parser.parse_args()
    given = prepared(arguments.dialogues, arguments.max_new_tokens)
    encoded = {name: encode(given.train, given.builder, given.cfg.data.max_length, *how) for name, how in WAYS.items()}
    for name, of in encoded.items():
        learnt = sum(np.count_nonzero(row.supervised) for row in of.rows) / len(of.rows)
        print(
            f"{name}: {len(of.rows)} examples, {of.shortened.supervised_lost:.1%} of the supervised tokens lost, "
            f"{of.shortened.tokens:.2f} times the dialogues' tokens, {learnt:.0f} supervised in an example"
        )
    print("| | seed | steps | processor time | validation loss | ROUGE-L |\n|---|---:|---:|---:|---:|---:|")
    for seed in arguments.seeds:
        allowed = 0.0
        for name, of in encoded.items():
            found = tried(given, name, of.rows, arguments.steps, seed)
            allowed = allowed or found.seconds
            if (steps := round(arguments.steps * allowed / found.seconds)) != arguments.steps:
                tried(given, f"{name}, same time", of.rows, steps, seed)


if __name__ == "__main__":
    main()
