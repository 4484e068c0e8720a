"""Whether memory grows from trial to trial of a sweep in one process.

    python benchmarks/sweep_memory.py
    python benchmarks/sweep_memory.py --precision fp32,bf16

Runs a sweep over seeds, so over batches of other lengths, and over precisions where several are given, which then
change from trial to trial; reads the resident memory of the process between trials, each time another one begins. The
first trials fill allocators and caches; the trend is that of the second half.
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
    parser.add_argument("--trials", type=int, default=20, help="after which memory is read; one more runs")
    parser.add_argument("--precision", default="fp32", help="one, or several with commas")
    parser.add_argument("overrides", nargs="*", default=DEFAULT, help="of the configuration, after --")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        per_seed = arguments.precision.count(",") + 1
        seeds = ",".join(str(seed) for seed in range(1, -(-(arguments.trials + 1) // per_seed) + 1))
        process = subprocess.Popen(
            [sys.executable, "-m", "mentalft", "-m", *arguments.overrides, f"seed={seeds}", "sweep_dir=sweep",
             f"trainer.precision={arguments.precision}"],
            cwd=folder, env={**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        found: list[float] = []
        while process.poll() is None and len(found) < arguments.trials:
            time.sleep(0.02)
            if len(list(folder.glob("sweep/*/status.json"))) > len(found) + 1:
                found.append(psutil.Process(process.pid).memory_info().rss / 2**20)
                print(f"after trial {len(found)}: {found[-1]:.0f} MiB", flush=True)
        process.terminate()
        process.wait()
    half = np.array(found[len(found) // 2 :])
    slope, _ = np.polyfit(np.arange(len(half)), half, 1)
    print(f"second half: {half.min():.0f} to {half.max():.0f} MiB, {slope:+.1f} MiB a trial")


if __name__ == "__main__":
    main()
