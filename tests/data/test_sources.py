"""Which files are meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from mentalft.data.sources import local_files
from mentalft.errors import DataError


def test_a_folder_is_its_files_in_natural_order(tmp_path: Path) -> None:
    for number in (10, 2, 1):
        (tmp_path / f"{number}.json").write_text("[]")
    (tmp_path / "README.md").write_text("about")
    assert [p.stem for p in local_files(str(tmp_path))] == ["1", "2", "10"]
    assert [p.stem for p in local_files(str(tmp_path / "1*.json"))] == ["1", "10"]


def test_a_broken_archive_is_said(tmp_path: Path) -> None:
    (tmp_path / "d.json.gz").write_bytes(b"no archive")
    (tmp_path / "d.json.zst").write_bytes(b"no archive")
    for name in ("d.json.gz", "d.json.zst"):
        with pytest.raises(DataError, match=name):
            local_files(str(tmp_path / name))
