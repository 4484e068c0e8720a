"""What the launched processes of ``test_launching.py`` do; a module of its own, so that they can import it."""

from __future__ import annotations

import os
import time
from pathlib import Path

from mentalft.errors import DataError
from mentalft.training.processes import rank, world_size


def places(folder: Path) -> list[int]:
    (folder / f"{rank()}").write_text(str(os.getpid()))
    return [rank(), world_size()]


def one_fails(folder: Path) -> None:
    if rank() == 1:
        raise DataError("the second one cannot read its file")
    time.sleep(300)


def one_is_killed(folder: Path) -> None:
    if rank() == 1:
        os.kill(os.getpid(), 9)
    time.sleep(300)


def runs_out_of_memory(folder: Path) -> None:
    if rank() == 1:
        raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
    time.sleep(300)
