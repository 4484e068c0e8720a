"""What training shows while it runs: a bar, ``training.jsonl``, and the tracker's curves."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from mentalft.console import Bar, bar
from mentalft.errors import UserError
from mentalft.files import json_line, read_jsonl, write_jsonl

NAMES = {
    "loss": "train/loss",
    "grad_norm": "train/grad_norm",
    "learning_rate": "train/learning_rate",
    "epoch": "train/epoch",
    "eval_loss": "validation/loss",
}


class TrainingLog(TrainerCallback):  # type: ignore[misc]
    """Writes each logged step; stops the run when the loss is not a number.

    Raises:
        UserError: the training loss is NaN or infinite; the message names the step.
    """

    def __init__(self, path: Path, send: Callable[[dict[str, float]], None]) -> None:
        self.path, self.send = path, send
        self.first_validation_loss = math.nan
        self.stack = ExitStack()
        self.bar: Bar | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        kept = (
            [row for row in read_jsonl(self.path) if row["train/step"] <= state.global_step]
            if self.path.exists()
            else []
        )
        if state.global_step == 0:
            kept = []
        write_jsonl(self.path, kept)
        self.first_validation_loss = next((r["validation/loss"] for r in kept if "validation/loss" in r), math.nan)
        self.bar = self.stack.enter_context(bar("training", state.max_steps))

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        if self.bar:
            self.bar.move_to(state.global_step)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        self.stack.close()
        self.bar = None

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:  # noqa: ARG002
        values = {NAMES[key]: value for key, value in (logs or {}).items() if key in NAMES}
        if "validation/loss" in values:
            values.pop("train/epoch", None)
            if math.isnan(self.first_validation_loss):
                self.first_validation_loss = values["validation/loss"]
        if not values.keys() & {"train/loss", "validation/loss"}:
            return
        broken = [name for name in ("train/loss", "validation/loss") if not math.isfinite(values.get(name, 0.0))]
        if broken:
            self.stack.close()
            raise UserError(
                f"train: {broken[0]} is {values[broken[0]]} at step {state.global_step}; "
                "lower trainer.learning_rate, or use trainer.precision=bf16 or fp32"
            )
        row = {"train/step": state.global_step, **{k: v for k, v in values.items() if math.isfinite(v)}}
        with self.path.open("a", encoding="utf-8") as handle:
            handle.write(json_line(row))
        self.send(row)
        if self.bar:
            loss = values.get("train/loss", values.get("validation/loss"))
            self.bar.move_to(state.global_step, note=f"loss {loss:.3f}")
