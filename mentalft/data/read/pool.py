"""The processes that read dialogues.

Nothing heavy is imported here: the processes start, and import what they need, while the caller does the same.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mentalft.errors import DataError

if TYPE_CHECKING:
    from mentalft.data.read.workers import Part

SMALL = 8 << 20
"""Bytes; starting processes costs more than reading this much."""
Submit = Callable[..., "Future[Part | None]"]
"""Takes the arguments of :func:`mentalft.data.read.workers.read_block`."""


@contextmanager
def processes(size: int, wanted: int | None) -> Iterator[Submit]:
    """Yield a function that has a block read: here when there is little to read, else by other processes."""
    count = wanted or len(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1))
    if count == 1 or size < SMALL:
        yield _at_once
        return
    context = multiprocessing.get_context("spawn")  # a fork would copy the locks of threads that run here
    with ProcessPoolExecutor(count, mp_context=context, initializer=_start_worker) as pool:
        pool.submit(os.getpid)  # they start now, while the caller still looks at the files
        try:
            yield lambda *arguments: pool.submit(_read, *arguments)
        except BrokenProcessPool as error:
            raise DataError(
                "prepare: a process that reads dialogues was killed, perhaps for want of memory; use data.num_proc=1"
            ) from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _at_once(*arguments: Any) -> "Future[Part | None]":
    done: Future[Part | None] = Future()
    done.set_result(_read(*arguments))
    return done


def _read(*arguments: Any) -> "Part | None":
    from mentalft.data.read.workers import read_block

    return read_block(*arguments)


def _start_worker() -> None:
    import gc
    import signal
    import threading

    os.environ["RAYON_NUM_THREADS"] = "1"  # there is one process a core already
    gc.disable()  # a block is a million objects without a cycle among them; walking them costs a tenth of the time
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent answers Ctrl-C
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    import mentalft.data.read.workers  # noqa: F401 - while the parent still looks at the files


def _end_with(parent: Any) -> None:
    """A reader whose parent was killed would wait for its next block for ever."""
    parent.join()
    os._exit(1)
