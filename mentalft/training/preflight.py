"""Before the long work: try the longest batch, and say what the run will cost."""

from __future__ import annotations

import math
import random
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from humanize import naturalsize

from mentalft.console import shown
from mentalft.errors import UserError
from mentalft.runs.markers import memory_in_use
from mentalft.training.steps import StepPlan
from mentalft.training.trainer import SupervisedTrainer
from mentalft.words import Said

UNITS = (("seconds", 1), ("minutes", 60), ("hours", 3600))
MUCH_VALIDATION = 0.1
ADAM_BYTES = 8
"""Two fp32 moments a trainable parameter."""


@dataclass(frozen=True)
class Preflight:
    """What was measured on one process, and what follows for the whole run."""

    batch_rows: int
    batch_tokens: int
    """Longest dialogue of the longest batch."""
    peak_memory_bytes: int
    """Of the GPU where there is one; else the resident memory of this process."""
    tokens_per_second: float
    """Real tokens, over all processes."""
    steps: int
    seconds: float
    """Of the whole training, validations included."""
    validation_share: float
    """Of ``seconds``."""
    disk_bytes: int
    free_disk_bytes: int

    def said(self) -> Said:
        unit, per_unit = next(one for one in UNITS if self.seconds < one[1] * 90 or one is UNITS[-1])
        values = {
            "rows": self.batch_rows,
            "tokens": self.batch_tokens,
            "memory": self.peak_memory_bytes / 2**30,
            "rate": self.tokens_per_second,
            "time": Said(f"time.{unit}", {"count": self.seconds / per_unit}),
            "steps": self.steps,
            "disk": naturalsize(self.disk_bytes, binary=True),
            "free": naturalsize(self.free_disk_bytes, binary=True),
        }
        return Said("preflight.found", values)

    def warning(self) -> Said | None:
        """Where validating takes much of the time, which setting to change."""
        much = self.validation_share > MUCH_VALIDATION
        return Said("preflight.validation", {"share": self.validation_share}) if much else None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def preflight(trainer: SupervisedTrainer, run_dir: Path) -> Preflight:
    """Forward, backward and update on the longest batch and on a usual one; the model is as before afterwards.

    Raises:
        UserError: the disk has no room for the checkpoints.
        torch.OutOfMemoryError: the longest batch does not fit (a RuntimeError where memory is not a GPU's).
    """
    plan, args = trainer.plan, trainer.args
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    if args.activation_checkpointing:  # the trainer itself does this when it begins to train
        trainer.model.activation_checkpointing_enable(
            activation_checkpointing_kwargs=args.activation_checkpointing_kwargs
        )
    with _as_before(trainer.model):
        longest, usual = _probes(plan)
        optimizer_class, options = trainer.get_optimizer_cls_and_kwargs(args, trainer.model)
        optimizer = optimizer_class([p for p in trainer.model.parameters() if p.requires_grad], **options)
        _seconds(trainer, optimizer, longest)
        seconds = min(_seconds(trainer, optimizer, usual) for _ in range(2))
        validating = _validation_seconds(trainer)
    rate = sum(plan.lengths[i] for i in usual) / seconds * plan.world_size
    steps = args.max_steps if args.max_steps > 0 else math.ceil(args.num_train_epochs * plan.steps_per_epoch)
    training = steps / plan.steps_per_epoch * sum(plan.lengths) / rate
    during = 1 + steps // max(1, int(args.eval_steps))  # one before the first step
    sampled, whole = (sum(of.plan.lengths) for of in (trainer.validation, trainer.whole_validation))
    validation = (during * sampled + whole) * validating / plan.world_size
    weights = sum(p.numel() * p.element_size() for p in trainer.model.parameters() if p.requires_grad)
    moments = sum(p.numel() * ADAM_BYTES for p in trainer.model.parameters() if p.requires_grad)
    disk = (weights + moments) * ((trainer.checkpoints_kept or 1) + 1) + weights
    found = Preflight(
        batch_rows=len(longest),
        batch_tokens=max(plan.lengths[i] for i in longest),
        peak_memory_bytes=memory_in_use(),
        tokens_per_second=round(rate, 1),
        steps=steps,
        seconds=round(training + validation, 1),
        validation_share=round(validation / (training + validation), 3),
        disk_bytes=disk,
        free_disk_bytes=shutil.disk_usage(run_dir).free,
    )
    if found.disk_bytes > found.free_disk_bytes:
        free, needed = (naturalsize(size, binary=True) for size in (found.free_disk_bytes, found.disk_bytes))
        raise UserError(
            f"preflight: {shown(run_dir)} has {free} free and the checkpoints need {needed}; free space, lower "
            "trainer.save_total_limit, or choose another place with run_dir=PATH"
        )
    return found


def _probes(plan: StepPlan) -> tuple[list[int], list[int]]:
    """The micro-batch of the first epoch that is largest once padded, and the one in the middle."""
    batches = [batch for step in plan.epoch(0) for batch in plan.micro_batches(step) if batch]
    batches.sort(key=lambda batch: len(batch) * max(plan.lengths[i] for i in batch))
    return batches[-1], batches[len(batches) // 2]


def _seconds(trainer: SupervisedTrainer, optimizer: Any, batch: list[int]) -> float:
    """Of forward, backward and update."""
    began = time.perf_counter()
    trainer.model.train()
    total, labels = _forward(trainer, [trainer.train_dataset[i] for i in batch])
    (total / max(1, labels)).backward()
    optimizer.step()
    optimizer.zero_grad()
    return _since(began)


def _validation_seconds(trainer: SupervisedTrainer) -> float:
    """A token, by the usual micro-batch."""
    _, batch = _probes(trainer.validation.plan)
    rows = [trainer.validation.rows[i] for i in batch]
    trainer.model.eval()
    with torch.no_grad():
        _forward(trainer, rows)
        began = time.perf_counter()
        _forward(trainer, rows)
    seconds = _since(began)
    trainer.model.train()
    return seconds / sum(len(row.input_ids) for row in rows)


def _forward(trainer: SupervisedTrainer, rows: list[Any]) -> tuple[Any, int]:
    inputs = trainer._prepare_inputs({k: v for k, v in trainer.data_collator(rows).items() if k != "record_ids"})
    with trainer.compute_loss_context_manager(), trainer.accelerator.autocast():
        return trainer.negative_log_likelihood(trainer.model, inputs)


def _since(began: float) -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began


@contextmanager
def _as_before(model: Any) -> Iterator[None]:
    """Undo what happens to the trainable weights and to the random state."""
    kept = [(p, p.detach().clone()) for p in model.parameters() if p.requires_grad]
    states = random.getstate(), np.random.get_state(), torch.random.get_rng_state()
    on_gpu = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else None
    try:
        yield
    finally:
        with torch.no_grad():
            for parameter, value in kept:
                parameter.copy_(value)
                parameter.grad = None
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.random.set_rng_state(states[2])
        if on_gpu is not None:
            torch.cuda.set_rng_state_all(on_gpu)
