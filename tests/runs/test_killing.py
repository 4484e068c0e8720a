"""``kill -9`` between any two file operations of a stage: nothing is lost, and the run is gone on with."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FEWEST = {"prepare": 25, "train": 25, "evaluate": 20, "compare": 25}
"""Operations that the harness must have found, or it looks in the wrong place."""


@pytest.mark.parametrize("stage", sorted(FEWEST))
def test_a_kill_at_any_file_operation_loses_nothing(stage: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.runs.killing", stage, str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    found = re.search(rf"{stage}: (\d+) operations", done.stdout)
    assert found
    assert int(found[1]) >= FEWEST[stage]
