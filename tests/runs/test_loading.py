"""A run directory is read back whole, and what it has no stage for is left empty."""

from __future__ import annotations

from pathlib import Path

import pytest

from mentalft.errors import DataError
from mentalft.files import write_json
from mentalft.records import DataReport, SourceReport
from mentalft.runs.files import COMPARISON as FILE
from mentalft.runs.files import DATA_REPORT, ITEMS
from mentalft.runs.loading import read_run
from tests.show.compared import COMPARISON
from tests.show.report_runs import item


def test_a_run_without_training_or_data_is_read(tmp_path: Path) -> None:
    FILE.save(tmp_path, COMPARISON)
    found = read_run(tmp_path)
    assert found.comparison == COMPARISON
    assert (found.items, found.training, found.data, found.manifest) == ([], [], None, None)


def test_a_whole_run_is_read_past_half_a_line_of_its_log(tmp_path: Path) -> None:
    FILE.save(tmp_path, COMPARISON)
    ITEMS.save(tmp_path, [item(1)])
    write_json(tmp_path / "manifest.json", {"mentalft": "0"})
    report = DataReport((SourceReport("mine", "not stated"),), {"name": "mine"}, {"train": 3}, {"train": 6})
    DATA_REPORT.save(tmp_path, report)
    (tmp_path / "training.jsonl").write_text('{"train/step": 1}\n{"train/st', encoding="utf-8")
    found = read_run(tmp_path)
    assert found.items == [item(1)]
    assert found.training == [{"train/step": 1}]
    assert found.manifest == {"mentalft": "0"}
    assert found.data == report


def test_a_folder_without_a_comparison_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no comparison\.json"):
        read_run(tmp_path)
