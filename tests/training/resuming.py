"""Trains in processes that are killed, and goes on; run by ``test_resume.py`` as one process that forks.

Usage: resuming.py MODEL DATA FOLDER SEED MOMENTS. Prints one JSON line: the digest of the adapter of an uninterrupted
run, and of each run that was killed at a random moment and continued.
"""

from __future__ import annotations

import json
import os
import random
import sys
import traceback
from pathlib import Path
from typing import Any

import torch

from mentalft.files import sha256_folder
from mentalft.modeling.locate import locate_model
from mentalft.records import Splits
from mentalft.training.stopping import StopOnSignal
from mentalft.training.train import train
from tests.test_conf import composed

FIXED = (
    "trainer.max_steps=12", "trainer.eval_steps=3", "trainer.save_steps=3", "trainer.logging_steps=1",
    "trainer.per_device_train_batch_size=4", "trainer.gradient_accumulation_steps=2", "trainer.save_total_limit=1",
    "trainer.preflight=false", "trainer.learning_rate=0.01", "lora.lora_dropout=0.1",
)  # fmt: skip


def settings(model: str, *overrides: str) -> Any:
    return composed(f"model.name_or_path={model}", *FIXED, *overrides)


def fit(cfg: Any, data: Path, run_dir: Path) -> str:
    torch.set_num_threads(1)
    run_dir.mkdir(parents=True, exist_ok=True)
    splits = Splits(data / "train.jsonl", data / "validation.jsonl", data / "validation.jsonl")
    train(cfg, locate_model(cfg.model), splits, run_dir, lambda row: None)
    return sha256_folder(run_dir / "adapter", ("adapter_model.safetensors",))


def forked(work: Any) -> int:
    """Run ``work`` in a process of its own; its wait status."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    try:
        sys.stdout = Path(os.devnull).open("w")
        work()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def die_at_event(folder: Path, number: int) -> None:
    """SIGKILL at the ``number``-th time a file below ``folder`` is opened, renamed or removed."""
    left = number

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if event in ("open", "os.rename", "os.remove", "os.mkdir", "shutil.rmtree") and str(folder) in str(
            arguments[0]
        ):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), 9)

    sys.addaudithook(count)


def die_in_step(number: int) -> None:
    """SIGKILL between the backward pass and the update of a step."""

    def kill(self: Any, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == number:
            os.kill(os.getpid(), 9)

    StopOnSignal.on_pre_optimizer_step = kill  # type: ignore[method-assign]


def killed_and_continued(cfg: Any, data: Path, run_dir: Path, draw: random.Random) -> str:
    """The digest in the end; killed once at least, and again with even chances."""
    while True:
        moment = draw.randrange(12) if draw.random() < 0.5 else -draw.randrange(1, 120)

        def work(moment: int = moment) -> None:
            die_in_step(moment) if moment >= 0 else die_at_event(run_dir, -moment)
            fit(cfg, data, run_dir)

        status = forked(work)
        if os.WIFSIGNALED(status) and draw.random() < 0.5:
            continue
        break
    assert forked(lambda: fit(cfg, data, run_dir)) == 0
    return sha256_folder(run_dir / "adapter", ("adapter_model.safetensors",))


def main() -> None:
    model, data, folder, seed, moments = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4], sys.argv[5]
    cfg = settings(model)
    assert forked(lambda: fit(cfg, data, folder / "whole")) == 0
    found = {"whole": sha256_folder(folder / "whole" / "adapter", ("adapter_model.safetensors",))}
    for number in range(int(moments)):
        draw = random.Random(f"{seed} {number}")
        found[str(number)] = killed_and_continued(cfg, data, folder / str(number), draw)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
