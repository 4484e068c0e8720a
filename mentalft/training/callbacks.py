"""Small habits of the training loop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import TrainerCallback


class KeepBest(TrainerCallback):  # type: ignore[misc]
    """Saves whenever a validation loss is the best so far, also between two regular saves; and finds the best
    checkpoint again where the run directory has moved since it was written."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        best = Path(args.output_dir) / f"checkpoint-{state.best_global_step}"
        if state.best_global_step and best.is_dir():
            state.best_model_checkpoint = str(best)

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, float], **_: Any) -> None:  # noqa: ARG002
        best = state.best_metric
        if state.global_step and (best is None or metrics["eval_loss"] < best):
            control.should_save = True
