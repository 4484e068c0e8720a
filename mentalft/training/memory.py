"""What to do when memory runs out."""

from __future__ import annotations

import ctypes
import gc
import math
import sys
from collections.abc import Callable
from typing import TypeVar

from mentalft.config import Config
from mentalft.console import say
from mentalft.errors import UserError
from mentalft.words import Said

T = TypeVar("T")


def halving(cfg: Config, attempt: Callable[[int], T]) -> T:
    """The result of ``attempt`` with the largest micro-batch that fits: the one asked for, or half of it, and so on.

    Raises:
        UserError: not even one dialogue fits, or ``trainer.auto_find_batch_size`` is off; the message says what would.
    """
    from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size

    micro = cfg.trainer.per_device_train_batch_size
    while True:
        try:
            return attempt(micro)
        except Exception as error:
            if not should_reduce_batch_size(error):
                raise
            if not cfg.trainer.auto_find_batch_size or micro == 1:
                raise UserError(too_large(cfg, micro)) from error
        micro = math.ceil(micro / 2)
        say(Said("train.out_of_memory", {"micro": micro}), style="yellow")
        gc.collect()
        clear_device_cache()


def too_large(cfg: Config, micro: int) -> str:
    """The message: what did not fit, and the settings that need less."""
    effective = cfg.trainer.per_device_train_batch_size * cfg.trainer.gradient_accumulation_steps
    ways = []
    if micro > 1:
        ways.append(
            f"trainer.per_device_train_batch_size={micro // 2} "
            f"trainer.gradient_accumulation_steps={math.ceil(effective / (micro // 2))}, "
            "or trainer.auto_find_batch_size=true"
        )
    if not cfg.trainer.gradient_checkpointing:
        ways.append("trainer.gradient_checkpointing=true")
    ways.append(f"data.max_length={cfg.data.max_length // 2}")
    if cfg.model.quantization == "none":
        ways.append("on a GPU, model.quantization=4bit")
    return (
        f"train: out of memory with {micro} dialogues of up to {cfg.data.max_length} tokens at a time; "
        f"use {'; or '.join(ways)}"
    )


def release() -> None:
    """Free what a training that is over still holds in this process, so that another one can follow, also in another
    precision, which Accelerate decides once a process."""
    gc.collect()
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)  # glibc keeps what was freed, and takes more each time
    if "accelerate" not in sys.modules:
        return
    from accelerate.state import AcceleratorState, GradientState
    from accelerate.utils.memory import clear_device_cache

    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()
    clear_device_cache()
