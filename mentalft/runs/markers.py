"""Completion markers: which stage is done, from what it was made, by which command, and what it cost.

A marker is written last, so a stage that was killed has none and runs again. What a killed stage left
(checkpoints, some of the answers) is used only if the stage starts again from the same inputs.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mentalft.config import STAGES
from mentalft.console import say
from mentalft.files import digest_file, read_json, sha256_json, write_json

FOLDER = ".stages"
WORDS = {
    "files": "the files of data.path",
    "external_tests": "the files of data.external_tests",
    "data": "the dialogues in data/",
    "model": "which model is asked",
    "model.fingerprint": "the model's files",
    "adapter": "the adapter",
    "items": "what is asked (responses/items.jsonl)",
    "responses": "the answers (responses/base.jsonl, tuned.jsonl)",
    "perplexity": "eval.perplexity or what it measured (responses/perplexity.jsonl)",
    "problems": "the number of problems in the files given",
    "overlap": "the overlap that data/report.json states",
}
"""What a stage may be made from that is no key of the configuration."""
SHORT = 30
"""Characters of a value that is shown."""
REWRITTEN = ("adapter/README.md",)
"""What a later stage writes again on purpose, so that its hash is held by no stage."""


class StageRunner:
    """Runs a stage unless it is done, times it, and marks it.

    Args:
        record: what a stage that ran just now is recorded with (:mod:`mentalft.runs.manifest`).
        changed: called whenever a stage began or ended, when the markers are no longer what they were.
    """

    def __init__(
        self,
        run_dir: Path,
        record: Callable[[], dict[str, Any]] = dict,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.run_dir, self.record, self.changed = run_dir, record, changed

    def run(
        self,
        stage: str,
        made_from: dict[str, Any],
        work: Callable[[], object],
        outputs: Sequence[str],
        leftovers: Sequence[str] = (),
    ) -> None:
        """Do ``work`` unless ``stage`` was completed from exactly ``made_from``.

        Args:
            outputs: patterns of the files, below the run directory, that the stage promises.
            leftovers: folders that an unfinished attempt may go on from, if its inputs were the same.
        """
        reason = why_not_done(self.run_dir, stage, made_from)
        if reason is None:
            say(f"{stage}: already done")
            return
        if reason != "not done yet":
            say(f"{stage}: runs again: {reason}")
        self._begin(stage, made_from, leftovers)
        self.changed()
        started, began = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
        work()
        cost = {"seconds": round(time.perf_counter() - began, 2), **_peak_memory()}
        record = {"started": started, **self.record()}
        mark_done(self.run_dir, stage, made_from, [p for o in outputs for p in self.run_dir.glob(o)], cost, record)
        self.changed()

    def _begin(self, stage: str, made_from: dict[str, Any], leftovers: Sequence[str]) -> None:
        (self.run_dir / FOLDER / f"{stage}.json").unlink(missing_ok=True)
        attempt = self.run_dir / FOLDER / f"{stage}.attempt"
        digest = sha256_json(made_from)
        same = attempt.is_file() and read_json(attempt) == digest
        for name in leftovers:
            if not same and (self.run_dir / name).is_dir():
                shutil.rmtree(self.run_dir / name)
        write_json(attempt, digest)


def why_not_done(run_dir: Path, stage: str, made_from: dict[str, Any]) -> str | None:
    """None when ``stage`` was completed from exactly ``made_from``; else the reason to run it, for the user."""
    path = run_dir / FOLDER / f"{stage}.json"
    if not path.exists():
        return "not done yet"
    marker = read_json(path)
    then, now = _flat(marker["made_from"]), _flat(made_from)
    changed = sorted(key for key in then.keys() | now.keys() if then.get(key) != now.get(key))
    if changed:
        return ", ".join(f"{WORDS.get(key, key)} changed{_from_to(then.get(key), now.get(key))}" for key in changed)
    return next(changed_outputs(run_dir, marker), None)


def changed_outputs(run_dir: Path, marker: dict[str, Any]) -> Iterator[str]:
    """What is no longer as the stage of ``marker`` left it, a few words each."""
    for name, digest in marker["outputs"].items():
        if name in REWRITTEN:
            continue
        output = run_dir / name
        if not output.is_file():
            yield f"{name} is gone"
        elif digest_file(output) != digest:
            yield f"{name} was changed since it was written"


def mark_done(
    run_dir: Path,
    stage: str,
    made_from: dict[str, Any],
    outputs: list[Path],
    cost: dict[str, Any],
    record: dict[str, Any],
) -> None:
    """Record that ``stage`` is complete; ``outputs`` are files below ``run_dir``."""
    names = {path.relative_to(run_dir).as_posix(): path for path in sorted(outputs)}
    hashes = {name: digest_file(path) for name, path in names.items() if name not in REWRITTEN}
    marker = {"made_from": made_from, "outputs": hashes, "cost": cost, "record": record}
    write_json(run_dir / FOLDER / f"{stage}.json", marker)


def markers(run_dir: Path) -> dict[str, dict[str, Any]]:
    """What was recorded of each completed stage: ``made_from``, ``outputs``, ``cost`` and ``record``."""
    return {path.stem: read_json(path) for path in sorted((run_dir / FOLDER).glob("*.json"))}


def configs(done: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Of :func:`markers`, the configuration of each stage that has a record; those of an older mentalft have none."""
    return {stage: marker["record"]["config"] for stage, marker in done.items() if "record" in marker}


def unfinished(run_dir: Path) -> list[str]:
    """The stages that were begun and are not complete, in the order in which they run."""
    folder = run_dir / FOLDER
    pending = {path.stem for path in folder.glob("*.attempt")} - {path.stem for path in folder.glob("*.json")}
    return [*(stage for stage in STAGES if stage in pending), *sorted(pending.difference(STAGES))]


def _from_to(then: Any, now: Any) -> str:
    """The two values, where a reader can take them in; files stand there as digests."""
    if not all(isinstance(value, int | float | str | None) and len(str(value)) <= SHORT for value in (then, now)):
        return ""
    return " from {} to {}".format(*("null" if value is None else value for value in (then, now)))


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        return {k: v for key, sub in value.items() for k, v in _flat(sub, f"{prefix}{key}.").items()}
    return {prefix.removesuffix("."): value}


def memory_in_use() -> int:
    """Bytes: GPU memory (the peak so far) where torch uses one, else the resident memory of this process."""
    import psutil

    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    return int(psutil.Process().memory_info().rss)


def _peak_memory() -> dict[str, int]:
    """Peaks of the process so far, in bytes: main memory, and GPU memory where torch uses one."""
    import psutil

    info = psutil.Process().memory_info()
    peaks = {"peak_memory_bytes": int(getattr(info, "peak_wset", 0) or _max_rss() or info.rss)}
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        peaks["peak_gpu_memory_bytes"] = int(torch.cuda.max_memory_allocated())
    return peaks


def _max_rss() -> int:
    try:
        import resource
    except ImportError:  # Windows
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
