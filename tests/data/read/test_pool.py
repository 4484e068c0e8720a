"""Who reads: this process, or others beside it."""

from __future__ import annotations

import os

import pytest

from mentalft.data.read import pool
from mentalft.data.read.pool import processes
from mentalft.errors import DataError


def test_little_is_read_here_and_much_elsewhere() -> None:
    with processes(pool.SMALL - 1, 2) as submit:
        assert submit is pool._at_once
    with processes(pool.SMALL, 1) as submit:
        assert submit is pool._at_once


def test_a_reader_that_is_killed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_read", os._exit)

    def read() -> None:
        with processes(pool.SMALL, 2) as submit:
            submit(9).result()

    with pytest.raises(DataError, match=r"was killed.*data.num_proc=1"):
        read()
