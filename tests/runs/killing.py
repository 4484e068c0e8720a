"""Kills a stage at its first, second, … file operation, goes on, and looks at what is left. Run as a program.

A kill is real: a forked process ends itself by SIGKILL just before the n-th operation that changes a file or folder
(opened for writing, renamed, deleted, made), so that what was not yet written is lost as well.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
MOST = 400
"""More operations than any stage here has."""


def die_at(number: int, folder: Path) -> None:
    """From now on, end this process just before the operation of that number below ``folder``."""
    left, inside = [number], str(folder)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if not isinstance(path, str | os.PathLike) or not isinstance(flags, int) or not flags & WRITING:
                return
        elif event in CHANGES:
            path = arguments[0]
        else:
            return
        if str(path).startswith(inside):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def in_child(work: Callable[[], object]) -> int:
    """The status that ``work`` ends a process of its own with."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def content(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def contents(folder: Path) -> set[str]:
    """Of every file below ``folder`` that is somebody's work: not the notes about the run."""
    notes = ("manifest.json", "config.resolved.yaml", "mentalft.log", "lock", "holder")
    files = (p for p in folder.rglob("*") if p.is_file() and p.name not in notes and p.suffix != ".attempt")
    return {content(path) for path in files}


def kill_everywhere(start: Path, work: Callable[[Path], object], outputs: list[str]) -> int:
    """Kill ``work`` on a copy of ``start`` at each of its operations in turn; how many there are.

    After each kill the work is done again. Nothing that was there before may be lost, and what is made must be what an
    undisturbed attempt makes.
    """
    before = contents(start)
    whole = start.parent / "whole"
    shutil.copytree(start, whole, symlinks=True)
    assert in_child(lambda: work(whole)) == 0, "the undisturbed attempt failed"
    expected = {name: content(whole / name) for name in outputs}
    for number in range(1, MOST):
        folder = start.parent / "killed" / start.name
        shutil.rmtree(folder.parent, ignore_errors=True)
        shutil.copytree(start, folder, symlinks=True)

        def killed(folder: Path = folder, number: int = number) -> None:
            die_at(number, folder)
            work(folder)

        status = in_child(killed)
        assert status in (0, signal.SIGKILL), f"operation {number}: status {status}"
        lost = before - contents(folder)
        assert not lost, f"killed at operation {number}: {len(lost)} files are lost"
        if status == 0:
            return number - 1
        assert in_child(lambda folder=folder: work(folder)) == 0, (
            f"after a kill at operation {number}: not gone on with"
        )
        lost = before - contents(folder)
        assert not lost, f"gone on after operation {number}: {len(lost)} files are lost"
        found = {name: content(folder / name) for name in outputs}
        other = [name for name in outputs if found[name] != expected[name]]
        assert not other, f"after a kill at operation {number}: {other} are not what they should be"
        left = list((folder / ".stages" / "tmp").glob("*"))
        assert not left, f"after a kill at operation {number}: {left}"
    raise AssertionError(f"more than {MOST} operations")


def main(stage: str, folder: Path) -> None:
    from mentalft.runs.loop import run_stage
    from mentalft.runs.manifest import write_records
    from mentalft.runs.place import held
    from mentalft.runs.stage import Context
    from mentalft.stages import STAGES
    from tests.recorded import CHOICES, record, recorded_run
    from tests.test_conf import composed

    start = recorded_run(folder / "run")
    for name in ("data/mine.txt", "adapter/notes.md", "checkpoints/my_model.pt", "responses/interviews.docx"):
        (start / name).parent.mkdir(exist_ok=True)
        (start / name).write_text(f"the user's {name}")
    shutil.copytree(start / "data", folder / "data")
    options = {
        "prepare": ["data=local", f"data.path={folder / 'corpus.json'}", "data.num_proc=1", "data.split_seed=7", "cache=false",
                    "data.validation_fraction=0.3", "data.test_fraction=0.3"],
        "answers": ["stages=[compare]", "eval.references=REFERENCES", "eval.responses.base=BASE", "eval.responses.tuned=TUNED"],
        "compare": ["eval.metrics=[length,distinct1]", "eval.bootstrap_resamples=200"],
    }  # fmt: skip
    cfg = composed(*options[stage])
    (declared,) = [s for s in STAGES if s.name == stage]
    outputs = {
        "prepare": ["data/train.jsonl", "data/validation.jsonl", "data/test.jsonl"],
        "compare": ["comparison.json", "items.jsonl", "scores.jsonl", "metrics.json"],
    }[stage]
    model_free = replace(declared, inputs=lambda _: {"given": CHOICES["data"]})

    def work(run_dir: Path) -> None:
        with held(run_dir):
            keep = lambda: write_records(run_dir, record(cfg), STAGES)  # noqa: E731
            run_stage(model_free, Context(cfg, run_dir), lambda: record(cfg), keep)

    print(f"{stage}: {kill_everywhere(start, work, outputs)} operations")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
