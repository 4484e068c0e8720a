"""After stage 2, where a sweep goes by a metric: the tuned model answers validation dialogues and is scored on them.

The test split has no part in it: a sweep that chose by the test split would report its own choosing.
"""

from __future__ import annotations

from typing import Any

from mentalft.config import VALIDATION_LOSS, Config
from mentalft.files import sha256_folder
from mentalft.runs.stage import Context, Stage, digest


def _from_run(context: Context) -> dict[str, Any]:
    from mentalft.data.prepare import split_paths

    return {
        "data": [digest(split_paths(context.run_dir).validation)],
        "adapter": sha256_folder(context.run_dir / "adapter", ("adapter_*",)),
    }


def _work(context: Context) -> None:
    from mentalft.data.prepare import splits_in
    from mentalft.generation.objective import measure

    validation = splits_in(context.run_dir).validation
    measure(context.cfg, context.model(), context.run_dir / "adapter", validation, context.run_dir)


def _check(cfg: Config) -> None:
    from mentalft.metrics.registry import check_available

    check_available(cfg.eval, [cfg.eval.objective])


OBJECTIVE = Stage(
    "objective",
    work=_work,
    needs=("prepare", "train"),
    writes=("objective.json", "objective.jsonl"),
    from_run=_from_run,
    inputs=lambda context: {"model.fingerprint": context.fingerprint()},
    wanted=lambda cfg: "train" in cfg.stages and cfg.eval.objective != VALIDATION_LOSS,
    loads_model=True,
    check=_check,
    leads=False,
)
