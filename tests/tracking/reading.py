"""Reading back what wandb wrote, with wandb's own tool."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def transaction_log(run_dir: Path) -> list[dict[str, Any]]:
    """Every record of every transaction log below ``run_dir``."""
    import wandb

    wandb.teardown()  # its process closes a run's log only some time after the run is finished
    records = []
    for log in sorted(run_dir.rglob("*.wandb")):
        done = subprocess.run(
            [str(Path(sys.executable).with_name("wandb")), "leet", "inspect", "--json", str(log)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"wandb leet inspect does not work here: {done.stderr[:100]}")
        records += [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return records
