"""The run directory as a place: whose it is, who uses it at this moment, and how something in it makes way.

Nothing in it is deleted. What a stage replaces is moved into ``superseded/STAGE-TIME/``, at the same place below that.
"""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from mentalft.config import Config
from mentalft.errors import ConfigError, DataError
from mentalft.files import MARKED, TEMPORARY
from mentalft.runs.files import JsonFile
from mentalft.runs.stage import Stage

SUPERSEDED = "superseded"
HARMLESS = (".hydra", "mentalft.log", "wandb", "status.json")
"""What a run directory may hold before its first stage began."""


@dataclass(frozen=True)
class Holder:
    """Who uses a run directory: ``.stages/holder``, there only as long as it is used."""

    host: str
    process: int
    since: str
    """Local time, ISO 8601."""


HOLDER: JsonFile[Holder] = JsonFile(f"{MARKED}/holder", Holder, "")


def is_run(folder: Path) -> bool:
    """Whether ``folder`` is a run directory of ours, or one that is just begun."""
    return (folder / MARKED).is_dir() or all(path.name in HARMLESS for path in folder.iterdir())


def check_place(folder: Path, key: str = "run_dir") -> None:
    """Raise :class:`ConfigError` where ``folder`` is a file, or holds something and is no run of ours."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ConfigError(f"{key}={folder} is a file; give the directory of a run, or of a new one")
    if not is_run(folder):
        first = ", ".join(sorted(path.name for path in folder.iterdir())[:3])
        raise ConfigError(
            f"{key}={folder} holds files that are of no run of mentalft ({first}); nothing was written there. "
            "Give a run directory, an empty one, or one that does not exist yet"
        )


def check_apart(cfg: Config, run_dir: Path, stages: Sequence[Stage]) -> None:
    """Raise :class:`ConfigError` where something that ``stages`` read lies where they write."""
    here = run_dir.resolve()
    written = {pattern.partition("/")[0] for stage in stages for pattern in (*stage.writes, *stage.leaves)}
    for stage in stages:
        for key, given in stage.reads(cfg):
            if not given or "://" in given:
                continue
            path = Path(given).expanduser().resolve()
            inside = path.relative_to(here).parts if path.is_relative_to(here) else ()
            if here == path or (inside and inside[0] in written):
                raise ConfigError(
                    f"{key}={given} lies where this run writes ({run_dir}); nothing was changed. "
                    "Give another run_dir, or leave it out to begin a new run"
                )


@contextmanager
def held(run_dir: Path) -> Iterator[None]:
    """Keep ``run_dir`` for this process; one of ours that is new is made.

    The lock is the operating system's and goes with the process that holds it, however that ended.

    Raises:
        ConfigError: another process uses it, or it is no run directory of ours.
    """
    check_place(run_dir)
    (run_dir / MARKED).mkdir(parents=True, exist_ok=True)
    lock = FileLock(run_dir / MARKED / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ConfigError(
            f"{run_dir} is in use{_by_whom(run_dir)}; wait for it to end, or give another run_dir"
        ) from None
    except (OSError, NotImplementedError):  # a file system without locks
        yield
        return
    try:
        for leftover in (run_dir / MARKED / TEMPORARY).glob("*"):  # of a process that was killed
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)
            else:
                leftover.unlink(missing_ok=True)
        HOLDER.save(run_dir, Holder(socket.gethostname(), os.getpid(), datetime.now().isoformat(timespec="seconds")))
        yield
    finally:
        HOLDER.path(run_dir).unlink(missing_ok=True)
        lock.release()


def _by_whom(run_dir: Path) -> str:
    for _ in range(20):  # the other one may be about to say it
        with suppress(DataError, OSError):
            holder = HOLDER.load(run_dir)
            return f" by process {holder.process} on {holder.host}, since {holder.since}"
        time.sleep(0.05)
    return " by another process"


def set_aside(run_dir: Path, stage: str, paths: Iterable[Path]) -> Path | None:
    """Move ``paths`` (files or folders in ``run_dir``) into ``superseded/``; where they are now, None for nothing."""
    found = [path for path in paths if path.exists() or path.is_symlink()]
    if not found:
        return None
    target = _new_folder(run_dir / SUPERSEDED, f"{stage}-{datetime.now():%Y%m%d-%H%M%S}")
    for path in found:
        place = target / path.relative_to(run_dir)
        place.parent.mkdir(parents=True, exist_ok=True)
        path.replace(place)
    return target


def _new_folder(parent: Path, name: str) -> Path:
    parent.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        path = parent / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
        else:
            return path


def install(run_dir: Path, stage: str, source: Path, target: Path) -> None:
    """Move every file of ``source`` into the folder ``target``; what has a name of theirs there is set aside."""
    target.mkdir(parents=True, exist_ok=True)
    files = sorted(path for path in source.iterdir() if path.is_file())
    set_aside(run_dir, stage, [target / path.name for path in files])
    for path in files:
        path.replace(target / path.name)
