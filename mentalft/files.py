"""Writing files whole, reading them back, and hashing them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from xxhash import xxh3_128

from mentalft.errors import DataError

MARKED = ".stages"
"""The folder by which a run directory is known."""
TEMPORARY = "tmp"


@contextmanager
def written_whole(path: Path, *, binary: bool = False, sync: bool = True) -> Iterator[IO[Any]]:
    """Open a temporary file that takes the name ``path`` only if the block ends without an error.

    Args:
        sync: wait until the disk has it, so that it survives a power cut; not for what is large, made again from other
            files, and held against its digest before it is used.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _beside(path)
    try:
        with temporary.open("wb") if binary else temporary.open("w", encoding="utf-8", newline="\n") as handle:
            yield handle
            handle.flush()
            if sync:
                os.fsync(handle.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    """A name for the temporary file of ``path``: in a run directory one that the next use of it clears away."""
    name = f".{path.name}.{os.getpid()}.tmp"
    for parent in path.parents:
        marked = parent / MARKED
        if marked.is_dir() and marked.stat().st_dev == path.parent.stat().st_dev:
            folder = marked / TEMPORARY
            folder.mkdir(exist_ok=True)
            return folder / f"{path.parent.relative_to(parent).as_posix().replace('/', '-')}{name}"
    return path.with_name(name)


@contextmanager
def temporary_folder(path: Path) -> Iterator[Path]:
    """Yield a new folder on the file system of ``path`` (a folder that is to be filled), which is gone afterwards."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _beside(path)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    with written_whole(path) as handle:
        handle.write(text)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON; NaN and infinities are refused (they are not JSON)."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def write_jsonl(path: Path, rows: Iterable[Any]) -> int:
    """Write one JSON object a line and return how many."""
    count = 0
    with written_whole(path) as handle:
        for row in rows:
            handle.write(json_line(row))
            count += 1
    return count


def json_line(row: Any) -> str:
    return json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def read_jsonl(path: Path) -> Iterator[Any]:
    """Yield the object of each line.

    Raises:
        DataError: a line is not JSON; the message names file and line.
    """
    with path.open(encoding="utf-8") as handle:
        for number, line in enumerate(handle, 1):
            try:
                yield json.loads(line)
            except json.JSONDecodeError as error:
                raise DataError(f"{path}, line {number}: not JSON ({error}); the file was cut or edited") from error


def sha256_file(path: Path) -> str:
    """SHA-256 of what ``path`` holds, for the record.

    A file that has not been written to since is read once a process.
    """
    state = _state(path)
    if state not in _sha256:
        with path.open("rb") as handle:
            _sha256[state] = hashlib.file_digest(handle, "sha256").hexdigest()
    return _sha256[state]


def digest_file(path: Path) -> str:
    """A quick hash (XXH3, 128 bits) of what ``path`` holds, to tell whether it changed.

    A file that has not been written to since is read once a process.
    """
    state = _state(path)
    if state not in _digests:
        hashing = xxh3_128()
        with path.open("rb") as handle:
            while chunk := handle.read(1 << 22):
                hashing.update(chunk)
        _digests[state] = hashing.hexdigest()
    return _digests[state]


def remember_digest(path: Path, digest: str) -> None:
    """Spare the reading of a file that was hashed while it was written."""
    _digests[_state(path)] = digest


_digests: dict[tuple[int, ...], str] = {}
_sha256: dict[tuple[int, ...], str] = {}


def _state(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def sha256_json(value: Any) -> str:
    """Hash of a JSON value that does not depend on the order of its keys."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def sha256_folder(path: Path, patterns: tuple[str, ...] = ("*",)) -> str:
    """Hash of the names and contents of the files in ``path`` (not below it) that match a pattern."""
    names = sorted({f.name for pattern in patterns for f in path.glob(pattern) if f.is_file()})
    return sha256_json({name: sha256_file(path / name) for name in names})


def check_writable(folder: Path) -> None:
    """Raise :class:`OSError` where nothing can be written into ``folder``, which is made where it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as handle:
        handle.write(bytes(4096))
        handle.flush()


def default_cache_dir() -> Path:
    """``mentalft`` in the user's cache folder; ``$XDG_CACHE_HOME`` is heeded on every platform."""
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"]) / "mentalft"
    from platformdirs import user_cache_path

    return user_cache_path("mentalft", appauthor=False)
