"""A sweep of eight trials against what it is made of, and against eight separate runs with the cache off.

    python benchmarks/sweep.py
    python benchmarks/sweep.py --rounds 3 -- experiment=quick trainer.max_steps=20 eval.max_items=24

Each contender is a command of its own with a cache of its own. The parts are read from the completion markers of the
stages: one prepare stage, one base evaluation (what the first trial's evaluation took longer than the later ones'), and
eight times training and tuned evaluation, as the separate runs had them. The bound is their sum and a tenth. As the
sweep imports its libraries once, they are also read from its own later trials, where nothing is left to import.
Reports of single runs, which have no marker, are switched off; the sweep's own page is part of the sweep.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

TRIALS = [f"lora.r={r}" for r in (2, 4, 8, 12, 16, 24, 32, 64)]
DEFAULT = [
    "experiment=quick", "trainer.max_steps=60", "eval.max_items=64", "eval.max_new_tokens=64", "tracking=none",
    "report.html=false", "report.plots=false",
]  # fmt: skip


def timed(*arguments: str, folder: Path) -> float:
    """Seconds that ``mentalft`` takes in ``folder``, with a fresh cache there."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "mentalft", *arguments],
        cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return time.perf_counter() - began


def costs(folder: Path, found_by: str) -> list[dict[str, float]]:
    """Seconds by stage of every run below ``folder``, in order."""
    markers = [path.parent / ".stages" for path in sorted(folder.glob(found_by))]
    return [{p.stem: json.loads(p.read_text())["cost"]["seconds"] for p in path.glob("*.json")} for path in markers]


def median(runs: list[dict[str, float]], stage: str) -> float:
    return statistics.median(run[stage] for run in runs)


class Parts(NamedTuple):
    """What a sweep of ``TRIALS`` cannot do without."""

    prepare: float
    base: float
    trial: float

    @property
    def seconds(self) -> float:
        return self.prepare + self.base + len(TRIALS) * self.trial

    def __str__(self) -> str:
        trials = f"{len(TRIALS)} × {self.trial:.1f}"
        return f"{self.seconds:.1f} s (prepare {self.prepare:.1f} + base {self.base:.1f} + {trials})"


def parts(swept: list[dict[str, float]], separate: list[dict[str, float]]) -> tuple[Parts, Parts]:
    """The parts as separate runs have them, each of which imports what it needs (training and tuned evaluation alone),
    and as the sweep's later trials have them, where all is warm (with the comparison)."""
    later = swept[1:]
    base = max(0.0, swept[0]["evaluate"] - median(later, "evaluate"))
    cold = Parts(median(separate, "prepare"), base, median(separate, "train") + median(separate, "evaluate") - base)
    warm = Parts(swept[0]["prepare"], base, sum(median(later, stage) for stage in ("train", "evaluate", "compare")))
    return cold, warm


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("overrides", nargs="*", default=DEFAULT, help="of the configuration, after --")
    arguments = parser.parse_args()
    values = ",".join(trial.partition("=")[2] for trial in TRIALS)
    against: dict[str, list[float]] = {}
    for number in range(arguments.rounds):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            sweep = timed("-m", *arguments.overrides, f"lora.r={values}", "sweep_dir=sweep", folder=folder)
            swept = costs(folder, "sweep/*/status.json")
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            separate = sum(
                timed(*arguments.overrides, trial, f"run_dir=run{i}", "cache=off", folder=folder)
                for i, trial in enumerate(TRIALS)
            )
            cold, warm = parts(swept, costs(folder, "run*/manifest.json"))
        print(
            f"round {number + 1}: sweep {sweep:.1f} s; parts of separate runs {cold}; of its own trials {warm}; "
            f"separate runs {separate:.1f} s",
            flush=True,
        )
        for name, seconds in (("parts (at most 1.10)", cold.seconds), ("own parts", warm.seconds),
                              ("separate runs", separate)):  # fmt: skip
            against.setdefault(name, []).append(sweep / seconds)
    for name, ratios in against.items():
        print(f"sweep by {name} {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
