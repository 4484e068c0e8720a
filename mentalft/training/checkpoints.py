"""Checkpoints that can be trusted: sealed after their last file, checked against the seal before they are used."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from mentalft.errors import typed
from mentalft.files import digest_file, read_json, write_json
from mentalft.runs.place import set_aside

SEAL = "complete.json"
SMALLEST_FREE_SPACE = 1 << 20


def seal(folder: Path, **facts: Any) -> None:
    """Write down every file of ``folder`` with its digest, and ``facts``; the last thing that a checkpoint gets."""
    files = {p.relative_to(folder).as_posix(): digest_file(p) for p in sorted(folder.rglob("*")) if p.is_file()}
    write_json(folder / SEAL, {**facts, "files": files})


def whole(folder: Path) -> dict[str, Any] | None:
    """The seal of ``folder`` if every file is there as it was sealed, else None."""
    try:
        found = read_json(folder / SEAL)
        intact = all(digest_file(folder / name) == digest for name, digest in found["files"].items())
    except (OSError, ValueError, KeyError, AttributeError):
        return None
    return dict(found) if intact else None


def in_order(folder: Path) -> list[Path]:
    """The checkpoints below ``folder``, the one with the most steps first."""
    found = [p for p in folder.glob("checkpoint-*") if p.name.rpartition("-")[2].isdigit()]
    return sorted(found, key=lambda p: int(p.name.rpartition("-")[2]), reverse=True)


def newest_whole(folder: Path) -> tuple[Path, dict[str, Any], list[str]] | None:
    """The newest usable checkpoint, its seal, and the names of newer ones that were cut short (and are set aside)."""
    broken: list[str] = []
    for checkpoint in in_order(folder):
        sealed = whole(checkpoint)
        if sealed is not None:
            return checkpoint, sealed, broken
        broken.append(checkpoint.name)
        set_aside(folder.parent, "train", [checkpoint])
    return None


def rotate(folder: Path, limit: int | None, best: str | None) -> None:
    """Delete the oldest checkpoints until ``limit`` are left; the newest and the best are always kept."""
    kept = in_order(folder)
    keep = {kept[0].name, Path(best).name} if best and kept else {c.name for c in kept[:1]}
    spare = [c for c in reversed(kept) if c.name not in keep]
    for checkpoint in spare[: max(0, len(kept) - max(limit or len(kept), len(keep)))]:
        _delete(checkpoint)


def _delete(checkpoint: Path) -> None:
    """Delete the files that the seal of ``checkpoint`` lists, the seal last; whatever else lies there stays."""
    try:
        names = [*read_json(checkpoint / SEAL)["files"], SEAL]
    except (OSError, ValueError, KeyError, TypeError):
        return
    for name in names:
        (checkpoint / name).unlink(missing_ok=True)
    for path in sorted((p for p in checkpoint.rglob("*") if p.is_dir()), reverse=True):
        with suppress(OSError):
            path.rmdir()
    with suppress(OSError):
        checkpoint.rmdir()


def full_disk_in_words(error: Exception, folder: Path) -> str | None:
    """A message if ``error`` comes from a full disk; torch and safetensors report one as errors of their own.

    What was written of the checkpoint is removed, to give the disk room; the one before it stays as it is.
    """
    named = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    writer = isinstance(error, RuntimeError) or type(error).__name__ == "SafetensorError"
    if not named and not (writer and shutil.disk_usage(folder.parent).free < SMALLEST_FREE_SPACE):
        return None
    shutil.rmtree(folder, ignore_errors=True)
    older = next((p.name for p in in_order(folder.parent)), None)
    keeps = f"{older} is kept" if older else "there is no older one"
    return (
        f"{folder}: {os.strerror(errno.ENOSPC)} while the checkpoint was saved ({keeps}); "
        f"free space, then go on with {typed('run_dir', folder.parents[1])}"
    )
