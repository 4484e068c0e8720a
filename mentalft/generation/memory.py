"""What to do when memory runs out: the same again with half as much at a time."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from mentalft.console import say
from mentalft.errors import UserError
from mentalft.words import Said

Given = TypeVar("Given")
Found = TypeVar("Found")


def smaller(error: Exception, size: int, things: str, mend: str) -> int:
    """Half of ``size`` where ``error`` is lack of memory; any other error is raised.

    Args:
        things: what was taken together, in the plural, and
        mend: what needs less memory, for messages.

    Raises:
        UserError: one alone did not fit.
    """
    from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size

    if not should_reduce_batch_size(error):
        raise error
    if size == 1:
        raise UserError(f"evaluate: out of memory with a single one of the {things}; {mend}") from error
    size = math.ceil(size / 2)
    say(Said("evaluate.out_of_memory", {"size": size, "things": Said(f"evaluate.{things}")}), style="yellow")
    error.__traceback__ = None  # its frames hold the tensors that were too large
    gc.collect()
    clear_device_cache()
    return size


def in_batches(
    rows: Sequence[Given], size: int, work: Callable[[Sequence[Given]], Sequence[Found]], things: str, mend: str
) -> Iterator[Found]:
    """What ``work`` makes of all ``rows``, ``size`` at a time; of half as many from where memory runs out.

    Raises:
        UserError: as :func:`smaller`.
    """
    start = 0
    while start < len(rows):
        batch = rows[start : start + size]
        try:
            found = work(batch)
        except Exception as error:
            size = smaller(error, len(batch), things, mend)
            continue
        yield from found
        start += len(batch)
