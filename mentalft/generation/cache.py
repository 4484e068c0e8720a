"""Base-model answers shared between runs, addressed by everything that determines them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from mentalft.console import say
from mentalft.errors import DataError, first_line
from mentalft.files import read_jsonl, sha256_json, write_jsonl
from mentalft.records import Response
from mentalft.words import Said


class ResponseCache:
    """Finished sets of answers. A set that cannot be read whole is not there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "responses"

    def load(self, made_from: dict[str, Any], ids: list[str]) -> list[Response] | None:
        """The answers to ``ids`` made from ``made_from``, or None."""
        path = self._path(made_from)
        try:
            responses = [Response(**row) for row in read_jsonl(path)]
        except (OSError, DataError, TypeError, UnicodeDecodeError):
            return None
        return responses if sorted(r.id for r in responses) == sorted(ids) else None

    def store(self, made_from: dict[str, Any], responses: list[Response]) -> None:
        """Keep ``responses`` for later runs; a cache that cannot be written is no reason to stop."""
        try:
            write_jsonl(self._path(made_from), map(asdict, responses))
        except OSError as error:
            say(Said("cli.no_cache", {"folder": str(self.folder), "error": first_line(error)}), style="yellow")

    @contextmanager
    def alone(self, made_from: dict[str, Any]) -> Iterator[None]:
        """While the block runs, no other run makes the same answers: a second one waits, and then reads them.

        The lock is the operating system's and goes with the process that held it, however that ended.
        """
        path = self._path(made_from).with_suffix(".lock")
        lock = FileLock(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                say(Said("evaluate.waiting"))
                lock.acquire()
        except (OSError, NotImplementedError):  # a cache that cannot be locked is used without
            yield
            return
        try:
            yield
        finally:
            lock.release()

    def _path(self, made_from: dict[str, Any]) -> Path:
        return self.folder / f"{sha256_json(made_from)}.jsonl"
