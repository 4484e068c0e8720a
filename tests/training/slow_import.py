"""A module whose import waits for a file, in a launched process: so long the process can take no signal."""

from __future__ import annotations

import os
import time
from pathlib import Path

GATE = os.environ.get("SLOW_IMPORT")
if GATE:
    (Path(GATE) / f"importing-{os.getpid()}").touch()
    while not (Path(GATE) / "go").exists():
        time.sleep(0.01)


def work(folder: Path) -> None:
    (folder / f"worked-{os.environ['RANK']}").touch()
