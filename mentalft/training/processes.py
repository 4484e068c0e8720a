"""Processes that train together: started here through torch's elastic launcher, or from outside by one.

``accelerate launch`` and ``torchrun`` are front ends of the same launcher, so a worker looks the same either way: its
place is in ``RANK``, ``LOCAL_RANK`` and ``WORLD_SIZE``.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

from mentalft.console import console, log_to, quiet_libraries
from mentalft.errors import Stopped, UserError
from mentalft.files import write_json

T = TypeVar("T")
FOR_EVER = timedelta(days=30)
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

    A process that fails ends the others; what it raised is raised here.

    Raises:
        UserError: as ``work`` raised it.
        Stopped: a signal ended the work.
        RuntimeError: ``work`` raised something else, or a process was killed.
    """
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    folder = run_dir / ".stages" / f"workers-{uuid.uuid4().hex[:8]}"
    folder.mkdir(parents=True)
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        run_id=folder.name,
        max_restarts=0,
        monitor_interval=0.1,
        start_method="spawn",
        shutdown_timeout=GRACE_SECONDS,
    )
    results: list[T] = []
    errors: list[BaseException] = []

    def start() -> None:
        _hold_signals()  # the workers inherit this, and take signals once they can answer them
        try:
            results.append(elastic_launch(config, _worker)(work, arguments, str(run_dir), str(folder))[0])
        except BaseException as error:
            errors.append(error)

    try:
        # in a thread, where torch's launcher leaves signals alone: its own handlers raise wherever they find it
        received = _watched(threading.Thread(target=start, name="launcher"), folder)
        if errors:
            raise _first_failure(folder, errors[0], received) from errors[0]
    finally:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
    if received is not None:
        os.kill(os.getpid(), received)  # all is done, and whoever called is to end here
    return results[0]


STOPPING = (signal.SIGINT, signal.SIGTERM)
STOP = "stop"
"""In the folder of a launch: the number of the signal that is to end it, from the moment that it came."""


def _hold_signals() -> None:
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)


def _watched(thread: threading.Thread, folder: Path) -> int | None:
    """Run ``thread`` to its end; the signal that came meanwhile, which every worker is told of, however far it is.

    A second one ends them at once.
    """
    if threading.current_thread() is not threading.main_thread():
        thread.start()
        thread.join()
        return None
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        received.append(number)
        if len(received) == 1:
            write_json(folder / STOP, number)
        for path in folder.glob("*.pid.json"):
            with suppress(OSError, ValueError):
                os.kill(json.loads(path.read_text(encoding="utf-8")), number if len(received) == 1 else signal.SIGKILL)

    before = {number: signal.signal(number, note) for number in STOPPING}
    try:
        logging.getLogger("torch.distributed.elastic.multiprocessing.api").setLevel(logging.CRITICAL)
        thread.start()
        while thread.is_alive():
            thread.join(0.1)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return received[0] if received else None


def asked_to_stop() -> int | None:
    """The signal that is to end the launch that this process belongs to; None where none came."""
    folder = os.environ.get("MENTALFT_WORKERS")
    try:
        return int(json.loads((Path(folder) / STOP).read_text(encoding="utf-8"))) if folder else None
    except (OSError, ValueError):
        return None


def _answer_signals() -> None:
    """From now on a signal ends this worker like an error; one that came before does so at once.

    Raises:
        Stopped: one came.
    """

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        raise _stopped(number)

    for number in STOPPING:
        signal.signal(number, stop)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    if (asked := asked_to_stop()) is not None:
        raise _stopped(asked)


def _stopped(number: int) -> Stopped:
    name = signal.Signals(number).name
    return Stopped(f"stopped by {name} before a step was complete; what is complete stays", 128 + number)


@contextmanager
def sigterm_raised() -> Iterator[None]:
    """In the block, SIGTERM raises :class:`Stopped`, so that what is open is closed as after Ctrl-C.

    Training has its own way to stop (``mentalft/training/stopping.py``) while it lasts.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        signal.signal(number, signal.SIG_DFL)  # a second one ends at once
        raise Stopped("stopped by SIGTERM; what is complete stays", exit_code=128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _worker(work: Callable[..., T], arguments: tuple[Any, ...], run_dir: str, folder: str) -> T:
    """One process: its share of the machine, its voice, and a note of what went wrong."""
    quiet_libraries()
    os.environ["MENTALFT_WORKERS"] = folder
    console.quiet = rank() > 0
    try:
        write_json(Path(folder) / f"rank{rank()}.pid.json", os.getpid())
        _answer_signals()
        _take_share()
        with log_to(Path(run_dir) if rank() == 0 else None):
            return work(*arguments)
    except BaseException as error:
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
        _leave_group()


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


def a_peer_is_gone() -> bool:
    """Whether another worker of the same launch has failed or been killed: waiting for it would be for ever."""
    folder = os.environ.get("MENTALFT_WORKERS")
    if not folder:
        return False
    if any(Path(folder).glob("*.error.json")):
        return True
    for path in Path(folder).glob("*.pid.json"):
        try:
            os.kill(int(path.read_text(encoding="utf-8")), 0)
        except ProcessLookupError:
            return True
    return False


def _first_failure(folder: Path, error: BaseException, received: int | None) -> BaseException:
    """What the process that failed first raised.

    A process that was ended because of another one may have noted that it was stopped: that is not what happened first.
    """
    noted = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.error.json")]
    stopped = [n for n in noted if n["kind"] == "stopped"]
    if received is not None:
        return Stopped(stopped[0]["message"], stopped[0]["exit_code"]) if stopped else _stopped(received)
    failures: dict[int, Any] = getattr(error, "failures", {})
    silent = {r: failure for r, failure in failures.items() if r not in {n["rank"] for n in noted}}
    if len(stopped) < len(noted):
        first = min((n for n in noted if n["kind"] != "stopped"), key=lambda n: float(n["time"]))
        if first["kind"] == "user":
            return UserError(first["message"])
        # one argument, and the message as torch wrote it, so that lack of memory is still known as such
        return RuntimeError(f"{first['message']}\n(rank {first['rank']})\n{first['traceback']}")
    if stopped and not silent:
        return Stopped(stopped[0]["message"], stopped[0]["exit_code"])
    if not silent:
        return error
    failed, failure = next(iter(silent.items()))
    killed = failure.exitcode == -signal.SIGKILL
    return UserError(
        f"train: rank {failed} ended with exit code {failure.exitcode}"
        f"{' (killed; on Linux most often because main memory ran out)' if killed else ''}; "
        "what is complete stays, and the same command with run_dir= goes on from there"
    )


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
