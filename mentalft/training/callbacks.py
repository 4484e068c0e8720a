"""Small habits of the training loop."""

from __future__ import annotations

from collections.abc import Callable
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


class AnswerAtValidation(TrainerCallback):  # type: ignore[misc]
    """Hands the model as it is at each validation to ``score``, and what comes back to ``write``.

    Training goes on as if nothing had happened: the random numbers, the mode and the model's generation settings are
    put back.
    """

    def __init__(
        self, score: Callable[[Any], dict[str, float]], write: Callable[[int, dict[str, float]], None]
    ) -> None:
        self.score, self.write = score, write

    def on_evaluate(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:  # noqa: ARG002
        if not state.is_world_process_zero:
            return
        import torch

        was_training, settings = model.training, model.generation_config
        cuda = [torch.cuda.current_device()] if torch.cuda.is_available() else []
        with torch.random.fork_rng(devices=cuda):
            model.eval()
            try:
                self.write(state.global_step, self.score(model))
            finally:
                model.train(was_training)
                model.generation_config = settings
