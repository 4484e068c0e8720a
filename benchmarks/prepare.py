"""The whole prepare stage, every check on, against the plain conversion: json.load, add a system message, write JSONL.

    python benchmarks/corpus.py /tmp/corpus.json
    python benchmarks/prepare.py /tmp/corpus.json --rounds 3

Both run in fresh processes, in turn; what is printed is the ratio of their times in each round. Peaks of memory
(proportional set size, summed over the process and its children) come from a round of their own: looking costs time.
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
from collections.abc import Callable
from pathlib import Path

import psutil

SYSTEM = {"role": "system", "content": "你是一个乐于助人的AI助手"}


def plain(source: Path, target: Path) -> None:
    """What people write by hand."""
    with source.open(encoding="utf-8") as handle:
        records = json.load(handle)
    with target.open("w", encoding="utf-8") as handle:
        for record in records:
            record["messages"] = [SYSTEM, *record["messages"]]
            handle.write(json.dumps(record, ensure_ascii=False) + "\n")


def seconds(command: list[str]) -> float:
    os.sync()  # what the other one wrote is not to be waited for by this one
    began = time.perf_counter()
    if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode:
        sys.exit(f"{command} failed")
    return time.perf_counter() - began


def peak_megabytes(command: list[str]) -> float:
    """Over ``command`` and its children, looked at ten times a second."""
    process, peak = psutil.Popen(command, stdout=subprocess.DEVNULL), 0
    while process.poll() is None:
        total = 0
        for one in [process, *_children(process)]:
            try:
                total += one.memory_full_info().pss
            except psutil.Error:
                continue
        peak = max(peak, total)
        time.sleep(0.1)
    if process.returncode:
        sys.exit(f"{command} failed")
    return peak / 1e6


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.Error:
        return []


def ours(source: Path, folder: Path, extra: list[str]) -> list[str]:
    return [
        sys.executable, "-m", "mentalft", "stages=[prepare]", "tracking=none", "data=local", f"data.path={source}",
        f"data.system_message='{SYSTEM['content']}'", f"run_dir={folder / 'run'}", f"cache_dir={folder / 'cache'}",
        *extra,
    ]  # fmt: skip


def command_of(name: str, arguments: argparse.Namespace, folder: Path) -> list[str]:
    if name == "ours":
        return ours(arguments.corpus, folder, arguments.overrides)
    return [sys.executable, __file__, str(arguments.corpus), "--plain-to", str(folder / "plain.jsonl")]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--plain-to", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("overrides", nargs="*", help="for mentalft, after --")
    arguments = parser.parse_args()
    if arguments.plain_to:
        plain(arguments.corpus, arguments.plain_to)
        return

    def both(number: int, look: Callable[[list[str]], float]) -> dict[str, float]:
        found = {}
        for name in ("plain", "ours") if number % 2 else ("ours", "plain"):
            # what one wrote is gone before the other begins, so that both find the same free memory and disk
            with tempfile.TemporaryDirectory(dir=arguments.corpus.parent) as folder:
                found[name] = look(command_of(name, arguments, Path(folder)))
        return found

    ratios = []
    for number in range(arguments.rounds):
        found = both(number, seconds)
        ratios.append(found["ours"] / found["plain"])
        print(
            f"round {number + 1}: ours {found['ours']:.1f} s, plain {found['plain']:.1f} s: ratio {ratios[-1]:.2f}",
            flush=True,
        )
    peaks = both(0, peak_megabytes)
    print(f"median ratio of times {statistics.median(ratios):.2f}")
    print(
        f"peak memory: ours {peaks['ours']:.0f} MB, plain {peaks['plain']:.0f} MB: "
        f"ratio {peaks['ours'] / peaks['plain']:.2f}"
    )


if __name__ == "__main__":
    main()
