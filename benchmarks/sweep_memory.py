"""Whether memory grows from trial to trial of a sweep in one process.

    python benchmarks/sweep_memory.py
    python benchmarks/sweep_memory.py --trials 20 -- experiment=quick

Runs a sweep over seeds, precision changing from trial to trial, and reads the resident memory of the process each time
a trial ends. The first trials fill allocators and caches; the trend is that of the second half.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

DEFAULT = [
    "experiment=quick",
    "trainer.max_steps=6",
    "trainer.eval_steps=3",
    "trainer.save_steps=3",
    "tracking=none",
    "report.plots=false",
]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("overrides", nargs="*", default=DEFAULT, help="of the configuration, after --")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        seeds = ",".join(str(seed) for seed in range(1, arguments.trials // 2 + 1))
        process = subprocess.Popen(
            [sys.executable, "-m", "mentalft", "-m", *arguments.overrides, f"seed={seeds}", "sweep_dir=sweep",
             "trainer.precision=fp32,bf16"],
            cwd=folder, env={**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        found: list[float] = []
        while process.poll() is None:
            time.sleep(0.2)
            done = sum('"done"' in path.read_text() for path in folder.glob("sweep/*/status.json"))
            if done > len(found):
                found.append(psutil.Process(process.pid).memory_info().rss / 2**20)
                print(f"after trial {len(found)}: {found[-1]:.0f} MiB", flush=True)
    half = np.array(found[len(found) // 2 :])
    slope, _ = np.polyfit(np.arange(len(half)), half, 1)
    print(f"second half: {half.min():.0f} to {half.max():.0f} MiB, {slope:+.1f} MiB a trial")


if __name__ == "__main__":
    main()
