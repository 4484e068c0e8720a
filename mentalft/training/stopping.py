"""SIGINT and SIGTERM during training: finish the step, save a checkpoint, stop."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from types import FrameType
from typing import Any

import torch
from transformers import TrainerCallback

from mentalft.errors import Stopped
from mentalft.training.processes import handled, world_size


class StopOnSignal(TrainerCallback):  # type: ignore[misc]
    """Between two steps, a signal becomes a saved checkpoint and the end of training; a second Ctrl-C ends at once.

    With several processes they stop after the same step, whichever of them got the signal first. A signal that comes
    too late for that is delivered again where the block ends.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self.agreed = False
        """All processes know of it, and the training ends with this step."""
        self.stack = ExitStack()

    def __enter__(self) -> StopOnSignal:
        self.stack.enter_context(handled(self._note))
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()
        if self.received and not self.agreed:
            os.kill(os.getpid(), self.received)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        wish = self.received
        if args.world_size > 1:
            asked = torch.tensor([wish or 0], device=args.device)
            torch.distributed.all_reduce(asked, op=torch.distributed.ReduceOp.MAX)
            wish = int(asked)  # one that comes meanwhile is for the next step: the others do not know of it
        if wish:
            self.received = wish
            self.agreed = control.should_save = control.should_training_stop = True

    def raise_if_stopped(self, step: int) -> None:
        """Raises:
        Stopped: a signal ended the training.
        """
        if self.received and self.agreed:
            name = signal.Signals(self.received).name
            raise Stopped(
                f"train: stopped by {name} after step {step}, and saved",
                exit_code=128 + self.received,
            )

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        # a launcher that gets Ctrl-C sends another signal to workers that have had their SIGINT: still one wish
        if self.received == number == signal.SIGINT and world_size() == 1:
            raise KeyboardInterrupt
        self.received = self.received or number
