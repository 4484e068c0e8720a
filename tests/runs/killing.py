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
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mentalft.runs.stage import Context

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
    from tests.recorded import record, recorded_run
    from tests.test_conf import composed

    start = recorded_run(folder / "run")
    for name in ("data/mine.txt", "adapter/notes.md", "checkpoints/my_model.pt", "responses/interviews.docx"):
        (start / name).parent.mkdir(exist_ok=True)
        (start / name).write_text(f"the user's {name}")
    for name in ("base", "tuned", "items"):
        shutil.copy(start / "responses" / f"{name}.jsonl", folder / f"{name}.jsonl")
    options, outputs = {
        "prepare": (
            ["data=local", f"data.path={folder / 'corpus.json'}", "data.num_proc=1", "data.split_seed=7", "cache=false",
             "data.validation_fraction=0.3", "data.test_fraction=0.3"],
            ["data/train.jsonl", "data/validation.jsonl", "data/test.jsonl", "data/rejected.jsonl", "data/report.json"],
        ),
        "train": (["seed=7"], ["adapter/adapter_model.safetensors", "adapter/adapter_config.json", "training.json"]),
        "evaluate": (["eval.max_new_tokens=9"], ["responses/base.jsonl", "responses/tuned.jsonl"]),
        "compare": (
            ["eval.metrics=[length,distinct1]", "eval.bootstrap_resamples=200"],
            ["comparison.json", "comparison.csv", "items.jsonl", "scores.jsonl", "metrics.json"],
        ),
    }[stage]  # fmt: skip
    cfg = composed(*options)
    (declared,) = [s for s in STAGES if s.name == stage]
    simulated = {"train": _train, "evaluate": _evaluate}.get(stage)
    if simulated:
        declared = replace(declared, work=simulated, inputs=lambda _: {})

    def work(run_dir: Path) -> None:
        with held(run_dir):
            run_stage(
                declared,
                Context(cfg, run_dir),
                lambda: record(cfg),
                lambda: write_records(run_dir, record(cfg), STAGES),
            )

    print(f"{stage}: {kill_everywhere(start, work, outputs)} operations")


def _train(context: Context) -> None:
    """What training does to files, without a model: sealed checkpoints, a log, an adapter put in place at the end."""
    from mentalft.files import json_line, temporary_folder
    from mentalft.records import TrainingResult
    from mentalft.runs.files import TRAINED
    from mentalft.runs.place import install
    from mentalft.training.checkpoints import newest_whole, rotate, seal

    run_dir, checkpoints = context.run_dir, context.run_dir / "checkpoints"
    found = newest_whole(checkpoints)
    done = found[1]["step"] if found else 0
    for step in range(done + 1, 4):
        folder = checkpoints / f"checkpoint-{step}"
        folder.mkdir(parents=True)
        (folder / "weights").write_text(f"weights of step {step}")
        seal(folder, step=step)
        with (run_dir / "training.jsonl").open("a") as log:
            log.write(json_line({"train/step": step}))
        rotate(checkpoints, 2, str(checkpoints / "checkpoint-1"))
    with temporary_folder(run_dir / "adapter") as folder:
        for name in ("adapter_model.safetensors", "adapter_config.json", "tokenizer.json"):
            (folder / name).write_text(f"{name} of {context.cfg.seed}")
        install(run_dir, "train", folder, run_dir / "adapter")
    TRAINED.save(run_dir, TrainingResult(1.0))


def _evaluate(context: Context) -> None:
    """What evaluating does to files, without a model: answers as they come, put together at the end."""
    from dataclasses import asdict

    from mentalft.files import write_jsonl
    from mentalft.generation import answer_log
    from mentalft.records import Answerer, Made, Response
    from mentalft.runs.files import MADE

    folder = context.run_dir / "responses"
    ids = [f"{n}#1" for n in range(4)]
    write_jsonl(folder / "items.jsonl", [{"id": name} for name in ids])
    MADE.save(context.run_dir, Made({"base": Answerer("transformers"), "tuned": Answerer("transformers")}, "greedy"))
    for name in ("base", "tuned"):
        path = folder / f"{name}.jsonl"
        answer_log.so_far(path, lambda row: row["id"] in ids)
        missing = [one for one in ids if one not in answer_log.ids_gathered(path)]
        answer_log.add(path, 0, (asdict(Response(one, one, f"{name} {one}", "stop", 3)) for one in missing))
        answer_log.finish(path, ids, lambda row: row["id"] in ids)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
