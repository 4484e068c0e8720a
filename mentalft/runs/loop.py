"""The stages of a run, one after another: one that is complete for the same inputs is not done again.

What a stage that runs again replaces is moved aside first (:func:`mentalft.runs.place.set_aside`), never deleted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from mentalft.console import say, shown
from mentalft.errors import DataError
from mentalft.files import digest_file, sha256_json
from mentalft.runs.markers import Marker, Record, attempt_file, cost_of, marker_file, markers, why_not_done
from mentalft.runs.place import set_aside
from mentalft.runs.stage import Context, Stage
from mentalft.words import Said


def check_needs(stages: Sequence[Stage], run_dir: Path) -> None:
    """Raise :class:`DataError` where a stage needs files of another that is neither to run nor complete."""
    complete = {stage.name for stage in stages} | markers(run_dir).keys()
    for stage in stages:
        for need in stage.needs:
            if not complete & set(need.split("|")):
                first = need.partition("|")[0]
                raise DataError(
                    f"{stage.name} needs what the {first} stage makes, and {run_dir} does not have it; "
                    f"add {first} to stages, or continue a run that has it: run_dir=RUN"
                )


def run_stage(stage: Stage, context: Context, record: Callable[[], Record], changed: Callable[[], None]) -> None:
    """Do the work of ``stage`` unless it was completed from exactly the same.

    Args:
        record: what the command is, asked once the work is done, when everything it loads is known.
        changed: called when what an earlier attempt left was moved aside, and when the stage is complete.
    """
    run_dir, made_from = context.run_dir, stage.made_from(context)
    reasons = why_not_done(run_dir, stage.name, made_from)
    if reasons is None:
        say(Said("run.already_done", {"stage": stage.name}))
        return
    if _make_way(stage, run_dir, sha256_json(made_from), reasons):
        changed()
    started, began = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
    stage.work(context)
    cost = cost_of(time.perf_counter() - began)
    outputs = dict(_outputs(stage, run_dir))
    marker_file(stage.name).save(run_dir, Marker(started, made_from, outputs, cost, record()))
    changed()


def stale(stages: Iterable[Stage], context: Context) -> dict[str, list[Said]]:
    """Which of ``stages`` would run again with the files as they are, and why; nothing is run."""
    found = {stage.name: why_not_done(context.run_dir, stage.name, stage.made_from(context)) for stage in stages}
    return {name: reasons for name, reasons in found.items() if reasons is not None}


def _make_way(stage: Stage, run_dir: Path, digest: str, reasons: list[Said]) -> bool:
    """Leave the place as the stage needs it: as its own attempt from the same inputs left it, or empty.

    The marker goes last, so that what a kill leaves in its place is still listed.

    Returns:
        Whether anything had to be moved aside.
    """
    marker = marker_file(stage.name)
    is_same = _is_same_attempt(stage.name, run_dir, digest)
    replaced: list[Path] = []
    if marker.exists(run_dir) or not is_same:
        replaced += [run_dir / name for name in _listed(stage, run_dir)]
        replaced += [run_dir / name for name in stage.writes if "*" not in name]
        replaced += [path for pattern in stage.leaves if not is_same for path in sorted(run_dir.glob(pattern))]
        replaced += [marker.path(run_dir)]
    where = set_aside(run_dir, stage.name, dict.fromkeys(replaced))
    if reasons:
        say(Said("run.again", {"stage": stage.name, "why": reasons}))
    if where is not None:
        say(Said("run.set_aside", {"stage": stage.name, "where": shown(where)}))
    attempt_file(stage.name).save(run_dir, digest)
    return where is not None


def _listed(stage: Stage, run_dir: Path) -> list[str]:
    """The files that the stage's marker lists; none where it cannot be read."""
    try:
        return list(marker_file(stage.name).load(run_dir).outputs)
    except (DataError, OSError):
        return []


def _is_same_attempt(stage: str, run_dir: Path, digest: str) -> bool:
    try:
        return attempt_file(stage).load(run_dir) == digest
    except (DataError, OSError):
        return False


def _outputs(stage: Stage, run_dir: Path) -> Iterator[tuple[str, str]]:
    found = {path for pattern in stage.writes for path in run_dir.glob(pattern) if path.is_file()}
    for path in sorted(found):
        name = path.relative_to(run_dir).as_posix()
        yield name, "" if name in stage.rewritten else digest_file(path)
