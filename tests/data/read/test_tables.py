"""Tables: every row is read or accounted for."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentalft.data.read import tables
from mentalft.data.read.reading import read_dialogues
from mentalft.data.read.tables import UNCLOSED, csv_rows
from mentalft.records import Dialogue, Rejected


@given(st.lists(st.lists(st.text(alphabet='ab",\n问', max_size=6), min_size=2, max_size=3), max_size=8))
def test_a_well_formed_table_is_read_as_the_library_reads_it(rows: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    lines = io.StringIO(text.getvalue(), newline="")
    assert list(csv_rows(lines, ",")) == rows


def test_an_open_quotation_mark_costs_its_row_alone(tmp_path: Path) -> None:
    rows = [f"第{n}问,第{n}答" for n in range(50)]
    rows[10] = f'"{rows[10]}'
    rows[40] = f'"{rows[40]}'
    path = tmp_path / "d.csv"
    path.write_text("question,answer\n" + "\n".join(rows), encoding="utf-8")
    found = list(read_dialogues(path))
    assert [d.messages[0].content for d in found if isinstance(d, Dialogue)][-1] == "第49问"
    assert sum(isinstance(d, Dialogue) for d in found) >= 19, (
        "two open marks close each other; what stood between is one row"
    )
    path.write_text("question,answer\n" + "\n".join([*rows[:40], "a,b"]), encoding="utf-8")
    found = list(read_dialogues(path))
    assert [(r.record, r.reason) for r in found if isinstance(r, Rejected)] == [(11, UNCLOSED)]
    assert sum(isinstance(d, Dialogue) for d in found) == 40


def test_what_an_open_mark_swallows_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "LONGEST_ROW", 5)
    lines = ["a,b\n", '"c,d\n', *(f"{n},{n}\n" for n in range(30))]
    assert list(csv_rows(lines, ",")) == [["a", "b"], None, *([f"{n}", f"{n}"] for n in range(30))]


def test_a_row_with_more_cells_than_the_head_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("question,answer\n最近,很累,愿意说说吗\n睡不着,多久了\n睡不好,多久了,,\n", encoding="utf-8")
    found = list(read_dialogues(path))
    assert [r.reason for r in found if isinstance(r, Rejected)] == ["the row has 3 cells, the head 2"]
    assert sum(isinstance(d, Dialogue) for d in found) == 2
