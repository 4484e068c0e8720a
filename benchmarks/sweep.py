"""A sweep of eight trials against what it is made of, and against eight separate runs with the cache off.

    python benchmarks/sweep.py
    python benchmarks/sweep.py --rounds 3 -- experiment=quick eval.max_items=24

Each contender is a command of its own with a cache of its own. The parts are read from the completion markers of the
sweep's trials: one prepare stage and one base evaluation, and of every trial its training, its evaluation (of which the
first trial's holds the base answers, the others' do not) and its comparison. The bound is their sum and a tenth.
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

TRIALS = [f"lora.r={r}" for r in (2, 4, 8, 12, 16, 24, 32, 64)]
DEFAULT = [
    "experiment=quick", "eval.max_items=64", "eval.max_new_tokens=64", "tracking=none", "report.html=false",
    "report.plots=false",
]  # fmt: skip
AFTER_TRAINING = ("train", "evaluate", "compare")


def timed(*arguments: str, folder: Path) -> float:
    """Seconds that ``mentalft`` takes in ``folder``, with a fresh cache there."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "mentalft", *arguments],
        cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return time.perf_counter() - began


def costs(run_dir: Path) -> dict[str, float]:
    return {p.stem: json.loads(p.read_text())["cost"]["seconds"] for p in (run_dir / ".stages").glob("*.json")}


def bound(sweep_dir: Path) -> tuple[float, str]:
    """One prepare stage, one base evaluation, and eight times training and tuned evaluation, as the sweep had them."""
    trials = [costs(path.parent) for path in sorted(sweep_dir.glob("*/status.json"))]
    later = trials[1:]
    each = sum(statistics.median(one[stage] for one in later) for stage in AFTER_TRAINING)
    prepare = trials[0]["prepare"]
    base = max(0.0, trials[0]["evaluate"] - statistics.median(one["evaluate"] for one in later))
    parts = f"prepare {prepare:.1f} + base {base:.1f} + {len(trials)} × {each:.1f}"
    return prepare + base + len(trials) * each, parts


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("overrides", nargs="*", default=DEFAULT, help="of the configuration, after --")
    arguments = parser.parse_args()
    values = ",".join(trial.partition("=")[2] for trial in TRIALS)
    against_bound, against_separate = [], []
    for number in range(arguments.rounds):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            sweep = timed("-m", *arguments.overrides, f"lora.r={values}", "sweep_dir=sweep", folder=folder)
            parts, in_words = bound(folder / "sweep")
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            separate = sum(timed(*arguments.overrides, trial, "cache=off", folder=folder) for trial in TRIALS)
        against_bound.append(sweep / parts)
        against_separate.append(sweep / separate)
        print(
            f"round {number + 1}: sweep {sweep:.1f} s; its parts {parts:.1f} s ({in_words}); "
            f"separate runs {separate:.1f} s",
            flush=True,
        )
    print(f"sweep by its parts {statistics.median(against_bound):.2f} (at most 1.10)")
    print(f"sweep by separate runs {statistics.median(against_separate):.2f}")


if __name__ == "__main__":
    main()
