"""What training shows while it runs: a bar, ``training.jsonl``, and the tracker's curves."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from mentalft.console import Bar, bar
from mentalft.files import json_line, write_jsonl
from mentalft.runs.markers import memory_in_use
from mentalft.words import Said

FOLLOW_SECONDS = 2.0
NAMES = {
    "loss": "train/loss",
    "grad_norm": "train/grad_norm",
    "learning_rate": "train/learning_rate",
    "epoch": "train/epoch",
    "eval_loss": "validation/loss",
}


class TrainingLog(TrainerCallback):  # type: ignore[misc]
    """Writes each logged step to ``path``, hands it to ``send``, and moves the bar.

    A row holds ``train/step`` and, of a training step, loss (nats a supervised token), learning rate, gradient norm,
    tokens seen and a second (padding not counted, over all processes; saving and validation are not on the clock) and
    memory in use in bytes; of a validation, its loss, and in a row of its own what answers scored.
    """

    def __init__(
        self, path: Path, send: Callable[[dict[str, float]], None], tokens_of_step: Callable[[int], int]
    ) -> None:
        self.path, self.send, self.tokens_of_step = path, send, tokens_of_step
        self.first_validation_loss = math.nan
        self.stack = ExitStack()
        self.bar: Bar | None = None
        self.writes = True
        self.tokens_seen = self.tokens_since = 0
        self.seconds = self.mark = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        self.writes = state.is_world_process_zero
        kept = read_whole_lines(self.path) if self.path.exists() and state.global_step else []
        kept = [row for row in kept if row["train/step"] <= state.global_step]
        if self.writes:
            write_jsonl(self.path, kept)
        self.first_validation_loss = next((r["validation/loss"] for r in kept if "validation/loss" in r), math.nan)
        self.tokens_seen = sum(map(self.tokens_of_step, range(state.global_step)))
        if self.writes:
            self.bar = self.stack.enter_context(bar(Said("train.bar"), state.max_steps))
        self._restart_clock()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        tokens = self.tokens_of_step(state.global_step - 1)
        self.tokens_seen += tokens
        self.tokens_since += tokens
        self.seconds += time.perf_counter() - self.mark
        self._restart_clock()
        if self.bar:
            self.bar.move_to(state.global_step)

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        self._restart_clock()

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        self._restart_clock()

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        self.close()

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:  # noqa: ARG002
        values = {NAMES[key]: value for key, value in (logs or {}).items() if key in NAMES}
        if "validation/loss" in values:
            values.pop("train/epoch", None)
            if math.isnan(self.first_validation_loss):
                self.first_validation_loss = values["validation/loss"]
        elif "train/loss" in values:
            values |= self._cost()
        else:
            return
        self.write(state.global_step, values)
        if self.bar:
            self.bar.move_to(state.global_step, note=_note(values))

    def write(self, step: int, values: dict[str, float]) -> None:
        """Add a row; what is not finite is left out, for JSON has no such number."""
        row = {"train/step": step, **{k: v for k, v in values.items() if math.isfinite(v)}}
        if self.writes:
            with self.path.open("a", encoding="utf-8") as handle:
                handle.write(json_line(row))
            self.send(row)

    def close(self) -> None:
        """Take the bar off the screen."""
        self.stack.close()
        self.bar = None

    def _cost(self) -> dict[str, float]:
        rate = self.tokens_since / self.seconds if self.seconds else 0.0
        self.tokens_since, self.seconds = 0, 0.0
        return {
            "train/tokens_seen": self.tokens_seen,
            "train/tokens_per_second": round(rate, 1),
            "train/memory_bytes": memory_in_use(),
        }

    def _restart_clock(self) -> None:
        self.mark = time.perf_counter()


def _note(values: dict[str, float]) -> str:
    if "validation/loss" in values:
        return f"validation loss {values['validation/loss']:.3f}"
    return (
        f"loss {values['train/loss']:.3f}  lr {values.get('train/learning_rate', 0):.1e}  "
        f"{values['train/tokens_per_second']:,.0f} tokens/s  {values['train/memory_bytes'] / 2**30:.1f} GiB"
    )


@contextmanager
def follow(path: Path, send: Callable[[dict[str, float]], None]) -> Iterator[None]:
    """While the block runs, ``send`` each row that another process adds to ``path``; rows that are there are old."""
    old = {json_line(row) for row in read_whole_lines(path)} if path.exists() else set()
    done = threading.Event()

    def watch() -> None:
        while True:
            last = done.wait(FOLLOW_SECONDS)
            for row in read_whole_lines(path) if path.exists() else []:
                line = json_line(row)
                if line not in old:
                    old.add(line)
                    send(row)
            if last:
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def read_whole_lines(path: Path) -> list[dict[str, float]]:
    """The rows of a log to which a killed run may have written half a line."""
    text = path.read_text(encoding="utf-8", errors="replace")
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
