"""Trials side by side: each in a process of its own, so that one that is killed takes no other along."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from mentalft.console import quiet_libraries
from mentalft.errors import show_any_character
from mentalft.runs.sweep_files import DONE, FAILED, RUNNING, write_status
from mentalft.sweep.locks import INTERRUPTED, KILLED, is_stopping, place_among
from mentalft.sweep.trial import Trial, already_done, earlier_attempt, run_trial, say_ended, update_page
from mentalft.training.processes import sigterm_raised


def run_apart(trial: Trial, together: int) -> float | None:
    """As :func:`~mentalft.sweep.trial.run_trial`, in a fresh process.

    Args:
        together: how many trials run on this machine at the same time; each gets its share of the cores, and of the
            GPUs where there are as many.

    Raises:
        KeyboardInterrupt: the sweep is to end; the trial has ended.
    """
    earlier = earlier_attempt(trial)
    if earlier is not None and earlier.state == DONE:
        return already_done(earlier)
    with place_among(trial.sweep_dir, together) as place:
        if is_stopping(trial.sweep_dir):
            raise KeyboardInterrupt
        # an interpreter of its own: the workers of some launchers cannot start processes in Python's own ways; and a
        # session of its own: a terminal's Ctrl-C goes to the sweep, which passes it on
        command = [sys.executable, "-m", __name__, str(place), str(together)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, encoding="utf-8", start_new_session=True)
        assert process.stdin is not None  # as asked for; for the type checker
        process.stdin.write(msgspec.json.encode(trial, enc_hook=str).decode() + "\n")
        process.stdin.flush()  # and left open: that it closes tells the trial that nobody waits for it any more
        try:
            _wait(process)
        except KeyboardInterrupt:
            process.wait()  # the sweep has told it, and it saves
            raise
        finally:
            process.stdin.close()
    return _outcome(trial, process.returncode)


def _wait(process: subprocess.Popen[str]) -> None:
    """Until the trial has ended; a worker whose sweep was killed ends its trial, and itself with it."""
    sweep = os.getppid()
    while process.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=1)
        if os.getppid() != sweep:
            process.terminate()
            process.wait()
            os._exit(1)  # its launcher would go on with the next trial


def share(things: Sequence[str], place: int, together: int) -> list[str]:
    """What of ``things`` is for the trial at ``place``: every one has its own where there are enough, else one each in
    turn."""
    if not things:
        return []
    return list(things[place::together]) or [things[place % len(things)]]


def main(place: int, together: int) -> int:
    """Run the trial that standard input describes, with its share of the machine; the exit code."""
    show_any_character()
    quiet_libraries()
    os.environ["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // together))  # before torch is imported
    trial = msgspec.json.decode(sys.stdin.readline(), type=Trial, dec_hook=lambda _, given: Path(given))
    threading.Thread(target=_end_with_input, daemon=True).start()
    if together > 1:
        _take_gpus(place, together)
    try:
        with sigterm_raised():
            run_trial(trial, quiet=True)
    except KeyboardInterrupt as stop:
        return getattr(stop, "exit_code", 130)
    return 0


def _end_with_input() -> None:
    """Stop as with SIGTERM, so that what is complete is saved, when the process that waits for this one is gone."""
    while os.read(0, 1):  # not sys.stdin, whose lock would be held when the interpreter ends
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _take_gpus(place: int, together: int) -> None:
    """Leave this process its share of the GPUs; Trainer would else copy the model to all of them."""
    import torch

    count = torch.cuda.device_count()  # asks the driver, and does not open a device
    if count:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(count)))
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(share(visible.split(","), place, together))


def _outcome(trial: Trial, exit_code: int) -> float | None:
    """What the process left in ``status.json``; where that is nothing, it was killed."""
    status = earlier_attempt(trial)
    if status is None:
        return None
    if status.state == RUNNING:
        by = f" (by {signal.Signals(-exit_code).name})" if exit_code < 0 else f" (exit code {exit_code})"
        error = INTERRUPTED if is_stopping(trial.sweep_dir) else f"{KILLED}{by}"
        status = status.ended_as(FAILED, error=error)
        write_status(trial.sweep_dir, status)
        update_page(trial.sweep_dir)
    say_ended(status)
    return status.for_sweeper


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
