"""Processes that train together: started here through torch's elastic launcher, or from outside by one.

``accelerate launch`` and ``torchrun`` are front ends of the same launcher, so a worker looks the same either way: its
place is in ``RANK``, ``LOCAL_RANK`` and ``WORLD_SIZE``.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing import resource_tracker
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import psutil

from mentalft.console import console, language, log_to, quiet_libraries, set_language
from mentalft.errors import Stopped, UserError, show_any_character
from mentalft.files import write_json
from mentalft.words import Language

T = TypeVar("T")
FOR_EVER = timedelta(days=30)
PAUSE = 0.1
"""Seconds between two looks at what others did."""
STOPPING = (signal.SIGINT, signal.SIGTERM)
GRACE_SECONDS = 300
"""How long workers that were asked to stop may take to finish their step and save."""


def rank() -> int:
    """This process's place among those that train together; 0 where it is alone."""
    return int(os.environ.get("RANK", "0"))


def world_size() -> int:
    """Processes that train together, as the launcher says; 1 where none did."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def processes_wanted(asked: int | str) -> int:
    """How many processes to start here; 1 where a launcher has started some already.

    Args:
        asked: a number, or ``auto`` for one a visible GPU.
    """
    if world_size() > 1:
        return 1
    if asked != "auto":
        return int(asked)
    import torch

    return max(1, torch.cuda.device_count())


def launch(work: Callable[..., T], processes: int, arguments: tuple[Any, ...], run_dir: Path) -> T:
    """The result of ``work(*arguments)`` on rank 0 of as many fresh ``processes``.

    A process that fails ends the others; what it raised is raised here. SIGINT and SIGTERM reach the processes by a
    file in a folder of the launch, which each of them looks at from its beginning to its end: until a process is ready
    for a signal it would die of one, and others would wait for it in vain.

    Raises:
        UserError: as ``work`` raised it.
        Stopped: a signal ended the work.
        RuntimeError: ``work`` raised something else, or a process was killed.
    """
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    folder = run_dir / ".stages" / f"workers-{uuid.uuid4().hex[:8]}"
    folder.mkdir(parents=True)
    resource_tracker.ensure_running()  # it would undo the blocking of signals in _launched if it were started there
    others = set(psutil.Process().children())
    try:
        with ThreadPoolExecutor(1) as pool, _passed_on(folder) as asked:
            launched = pool.submit(_launched, work, processes, arguments, run_dir, folder)
            while not launched.done():
                wait([launched], timeout=PAUSE)
                if asked.at_once or (asked.since and time.monotonic() - asked.since > GRACE_SECONDS):
                    _kill(set(psutil.Process().children()) - others)
        if asked.number is not None:
            raise _stopped(folder, asked.number)
        return launched.result()[0]
    except ChildFailedError as error:
        raise _first_failure(folder, error) from error
    finally:
        shutil.rmtree(folder)


def _launched(
    work: Callable[..., T], processes: int, arguments: tuple[Any, ...], run_dir: Path, folder: Path
) -> dict[int, T]:
    """The results by rank. In a thread of its own: torch's launcher then leaves this process's signals alone, and the
    new processes take over from the thread that signals are blocked, until they are ready for them."""
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    for part in ("multiprocessing.api", "agent.server.api"):  # what ends a process is told by its note
        logging.getLogger(f"torch.distributed.elastic.{part}").setLevel(logging.CRITICAL)
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        run_id=folder.name,
        max_restarts=0,
        monitor_interval=PAUSE,
        start_method="spawn",
        shutdown_timeout=GRACE_SECONDS,
    )
    about = (str(run_dir), str(folder), os.getpid(), language())
    return elastic_launch(config, _worker)(work, arguments, *about)  # type: ignore[no-any-return]


@dataclass
class _Asked:
    """Whether a signal has asked for the end."""

    number: int | None = None
    since: float | None = None
    """On the monotonic clock."""
    at_once: bool = False
    """A second Ctrl-C does not wait for a step to end."""


@contextmanager
def _passed_on(folder: Path) -> Iterator[_Asked]:
    """In the block, SIGINT and SIGTERM are told to the processes that look at ``folder``."""
    asked = _Asked()

    def tell(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        asked.at_once = asked.number is not None and number == signal.SIGINT
        if asked.number is None:
            asked.number, asked.since = number, time.monotonic()
            (folder / f"{number}.stop").touch()

    with handled(tell):
        yield asked


@contextmanager
def handled(handler: Callable[[int, FrameType | None], None], *numbers: int) -> Iterator[None]:
    """In the block, the signals (SIGINT and SIGTERM if none is named) call ``handler``; outside of the main thread
    nothing can be done, and nothing is."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers or STOPPING}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def _kill(processes: set[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.kill()


def _stopped(folder: Path, number: int) -> Stopped:
    """What is said where a signal ended the work; a process that saved says after which step."""
    said = [note["message"] for note in _notes(folder) if note["kind"] == "stopped"]
    name = signal.Signals(number).name
    general = f"stopped by {name}; what is complete stays"
    return Stopped(next((message for message in said if message != general), general), 128 + number)


def _raise_stopped(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    raise Stopped(f"stopped by {signal.Signals(number).name}; what is complete stays", exit_code=128 + number)


@contextmanager
def sigterm_raised() -> Iterator[None]:
    """In the block, SIGTERM raises :class:`Stopped`, so that what is open is closed as after Ctrl-C.

    Training has its own way to stop (``mentalft/training/stopping.py``) while it lasts.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)  # a second one ends at once
        _raise_stopped(number, frame)

    with handled(stop, signal.SIGTERM):
        yield


def _worker(
    work: Callable[..., T], arguments: tuple[Any, ...], run_dir: str, folder: str, launcher: int, spoken: Language
) -> T:
    """One process: its share of the machine, its voice, and a note of what went wrong."""
    os.setsid()  # a terminal's Ctrl-C goes to the launcher, which passes it on
    done = threading.Event()
    threading.Thread(target=_watch, args=(Path(folder), launcher, done), daemon=True).start()
    try:
        with handled(_raise_stopped):
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)  # from here on one can be taken
            show_any_character()
            quiet_libraries()
            set_language(spoken)
            _take_share()
            write_json(Path(folder) / f"rank{rank()}.pid.json", os.getpid())
            console.quiet = rank() > 0
            if number := _wish(Path(folder)):
                _raise_stopped(number, None)
            with log_to(Path(run_dir) if rank() == 0 else None):
                return work(*arguments)
    except BaseException as error:
        for number in STOPPING:
            signal.signal(number, signal.SIG_IGN)
        noted = {
            "time": time.time(),
            "rank": rank(),
            "kind": "stopped" if isinstance(error, Stopped) else "user" if isinstance(error, UserError) else "other",
            "exit_code": getattr(error, "exit_code", 1),
            "message": str(error),
            "traceback": traceback.format_exc(),
        }
        write_json(Path(folder) / f"rank{rank()}.error.json", noted)
        os._exit(1)  # not to wait for the others in a collective that will never be complete
    finally:
        done.set()
        _leave_group()


def _watch(folder: Path, launcher: int, done: threading.Event) -> None:
    """In a worker, as long as it works: take the launcher's wish to stop, and end with the others.

    A thread can do so while the main one waits in a collective for a process that is gone. One that is gone without a
    note was killed; none of them ends by itself before all are done.
    """
    told = False
    while not done.wait(PAUSE):
        asked = signal.SIGTERM if os.getppid() != launcher else _wish(folder)
        if asked and not told:
            told = True
            os.kill(os.getpid(), asked)
        if _a_peer_is_gone(folder) and not done.is_set():
            os._exit(1)


def _take_share() -> None:
    import torch

    local = int(os.environ.get("LOCAL_RANK", "0"))
    if torch.cuda.is_available():
        torch.cuda.set_device(local)
    else:
        os.environ["ACCELERATE_USE_CPU"] = "true"
        together = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // together))


def _leave_group() -> None:
    import torch

    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _wish(folder: Path) -> int | None:
    """The signal by which the launcher was asked to stop."""
    return next((int(path.stem) for path in folder.glob("*.stop")), None)


def _a_peer_is_gone(folder: Path) -> bool:
    """Whether a worker of this launch has failed or been killed: waiting for it would be for ever."""
    if any(folder.glob("*.error.json")):
        return True
    return not all(psutil.pid_exists(json.loads(path.read_bytes())) for path in folder.glob("*.pid.json"))


def _notes(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in folder.glob("*.error.json")]


def _first_failure(folder: Path, error: Any) -> BaseException:
    """What the process that failed first raised; ``error`` is torch's ``ChildFailedError``."""
    # others may have noted that they lost touch with one that was killed
    killed = {r: failure for r, failure in error.failures.items() if failure.exitcode == -signal.SIGKILL}
    failed, failure = next(iter((killed or error.failures).items()))
    first = min(_notes(folder), key=lambda note: float(note["time"]), default=None)
    if killed or first is None or (first["kind"] == "stopped" and failure.exitcode < 0):  # the launcher stopped others
        return UserError(
            f"train: rank {failed} ended with exit code {failure.exitcode}"
            f"{' (killed; on Linux most often because main memory ran out)' if killed else ''}; "
            "what is complete stays, and the same command with run_dir= goes on from there"
        )
    if first["kind"] == "stopped":
        return Stopped(first["message"], first["exit_code"])
    if first["kind"] == "user":
        return UserError(first["message"])
    # one argument, and the message as torch wrote it, so that lack of memory is still known as such
    return RuntimeError(f"{first['message']}\n(rank {first['rank']})\n{first['traceback']}")


class Meeting:
    """Where processes that were launched from outside tell each other what to do: the launcher's own store.

    Rank 0 runs the experiment; the others wait for what is done together, one thing after another.

    Raises:
        UserError: whatever launched these processes offers no such store.
    """

    KEY = "mentalft/work"

    def __init__(self) -> None:
        from torch.distributed import TCPStore  # type: ignore[attr-defined]

        if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
            raise UserError(
                f"WORLD_SIZE={world_size()} is set, but not by torchrun or accelerate launch; start with one of them, "
                "or unset it and use trainer.num_processes=N"
            )
        host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
        self.store = TCPStore(host, port, is_master=False, wait_for_workers=False)

    def call(self, work: dict[str, Any] | None) -> int:
        """Rank 0: hand ``work`` (a JSON value) to the others; its number."""
        number = int(self.store.add(f"{self.KEY}/count", 1))
        self.store.set(f"{self.KEY}/{number}", json.dumps(work))
        return number

    def dismiss(self) -> None:
        """Rank 0: there is nothing more to do."""
        self.call(None)

    def work(self) -> Iterator[dict[str, Any]]:
        """The others: what to do, one thing after another, until there is nothing more; however long it takes."""
        number = 1
        while True:
            self.store.wait([f"{self.KEY}/{number}"], FOR_EVER)
            work: dict[str, Any] | None = json.loads(self.store.get(f"{self.KEY}/{number}"))
            if work is None:
                return
            yield work
            self.store.set(f"{self.KEY}/{number}/{rank()}", "done")
            number += 1

    def wait_for_others(self, number: int) -> None:
        """Rank 0: until every other process has done the work of that number; a launcher ends all if one fails."""
        self.store.wait([f"{self.KEY}/{number}/{other}" for other in range(1, world_size())], FOR_EVER)


@contextmanager
def one_of_many() -> Iterator[None]:
    """This process's share of the machine and of the screen, where it was launched from outside."""
    quiet_libraries()
    _take_share()
    console.quiet = rank() > 0
    try:
        yield
    finally:
        _leave_group()
