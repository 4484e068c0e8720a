"""SIGINT and SIGTERM during training: finish the step, save a checkpoint, stop."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import torch
from transformers import TrainerCallback

from mentalft.errors import Stopped


class StopOnSignal(TrainerCallback):  # type: ignore[misc]
    """Between two steps, a signal becomes a saved checkpoint and the end of training; a second Ctrl-C ends at once.

    With several processes they stop after the same step, whichever of them got the signal first.
    """

    def __init__(
        self, peer_is_gone: Callable[[], bool] = lambda: False, asked: Callable[[], int | None] = lambda: None
    ) -> None:
        """Args:
        peer_is_gone: whether another process that trains with this one has died; a signal then ends this one at once.
        asked: the signal that the processes are told to end by, in another way than by the signal itself.
        """
        self.peer_is_gone, self.asked = peer_is_gone, asked
        self.received: int | None = None
        self.previous: dict[int, Any] = {}

    def __enter__(self) -> StopOnSignal:
        if threading.current_thread() is threading.main_thread():
            self.previous = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.previous.items():
            signal.signal(number, handler)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        if args.world_size > 1:
            asked = torch.tensor([self.received or self.asked() or 0], device=args.device)
            torch.distributed.all_reduce(asked, op=torch.distributed.ReduceOp.MAX)
            self.received = int(asked) or None
        if self.received:
            control.should_save = control.should_training_stop = True

    def raise_if_stopped(self, step: int) -> None:
        """Raises:
        Stopped: a signal ended the training.
        """
        if self.received:
            name = signal.Signals(self.received).name
            raise Stopped(
                f"train: stopped by {name} after step {step}, and saved",
                exit_code=128 + self.received,
            )

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self.peer_is_gone():
            os._exit(1)
        if self.received == number == signal.SIGINT:
            raise KeyboardInterrupt
        # a launcher that gets Ctrl-C sends SIGTERM to workers that have had their SIGINT: still one wish
        self.received = self.received or number
