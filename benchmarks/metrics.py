"""Seconds a metric takes, and all default ones together, over pairs of answers made of the sample's sentences.

python benchmarks/metrics.py --items 10000
"""

from __future__ import annotations

import argparse
import os
import random
import re
import resource
import time

import hydra
from hydra.core.config_store import ConfigStore

from mentalft.assets import SAMPLE_DIALOGUES
from mentalft.config import Config, EvalConfig
from mentalft.config.composition import load_config
from mentalft.files import read_json
from mentalft.metrics.registry import Embedder, scorers_of
from mentalft.metrics.scoring import score_all

NOT_MEASURED = ("cosine", "bertscore")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--items", type=int, default=10_000, help="items, each with a base answer, a tuned one, a reference"
    )
    parser.add_argument("--each", action="store_true", help="also every metric by itself, in one process")
    options = parser.parse_args()
    cfg = default_config()
    cfg.metrics = [name for name in cfg.metrics if name not in NOT_MEASURED]
    draw = random.Random(0)
    sentences = sample_sentences()
    references = [(answer(draw, sentences),) for _ in range(options.items)]
    answers = {side: [answer(draw, sentences) for _ in range(options.items)] for side in ("base", "tuned")}
    characters = sum(map(len, answers["base"])) / options.items
    print(f"{options.items} items, {os.cpu_count()} cores, {characters:.0f} characters an answer")
    start = time.perf_counter()
    score_all(cfg, scorers_of(cfg, references, no_embedder), answers, references)
    took = time.perf_counter() - start
    print(f"default metrics, both sides: {took:.1f} s, {cpu_seconds():.1f} s of processor time")
    if options.each:
        for name, metric in scorers_of(cfg, references, no_embedder).items():
            start = time.perf_counter()
            metric.score(answers["base"], references)
            print(f"  {name:12} {time.perf_counter() - start:6.1f} s, one side, one process")


def cpu_seconds() -> float:
    """Of this process and those it started that have ended; other work on the machine hardly shows in it."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def default_config() -> EvalConfig:
    ConfigStore.instance().store("base_config", Config)
    with hydra.initialize_config_module("mentalft.conf"):
        return load_config(hydra.compose("config")).eval


def sample_sentences() -> list[str]:
    turns = (m["content"] for d in read_json(SAMPLE_DIALOGUES) for m in d["messages"] if m["role"] == "assistant")
    return sorted({sentence for turn in turns for sentence in re.findall(r"[^。！？]+[。！？]", turn)})


def answer(draw: random.Random, sentences: list[str]) -> str:
    """Sentences in a row, 50 to about 100 characters."""
    text, least = "", draw.randint(50, 85)
    while len(text) < least:
        text += draw.choice(sentences)
    return text


def no_embedder() -> Embedder:
    raise SystemExit("no embedder is measured")


if __name__ == "__main__":
    main()
