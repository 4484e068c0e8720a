"""Tables: every row is read or accounted for."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentalft.data.read import tables
from mentalft.data.read.reading import read_dialogues
from mentalft.data.read.tables import UNCLOSED, csv_rows
from mentalft.errors import DataError
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


HEAD, ROWS = ["问", "答"], [["最近很累", "愿意说说吗"], ["睡不着，真的", "多久了；说说看"], ["没有回答", None]]
PAIRS = [("最近很累", "愿意说说吗"), ("睡不着，真的", "多久了；说说看")]


SHEETS: list[tuple[str, list[list[Any]]]] = [
    ("甲", [[], HEAD, *ROWS]), ("乙", [HEAD, [2024, 1.5]]), ("说明", [["作者"], ["某人"]]), ("空", []),
]  # fmt: skip


def pairs(path: Path) -> tuple[list[tuple[str, ...]], list[str]]:
    """What was said, and why a row was set aside."""
    found = list(read_dialogues(path))
    good = [tuple(m.content for m in d.messages) for d in found if isinstance(d, Dialogue)]
    return good, [r.reason for r in found if isinstance(r, Rejected)]


@pytest.mark.parametrize(
    ("name", "delimiter", "before"),
    [("d.csv", ",", ""), ("d.csv", ";", ""), ("d.csv", "\t", ""), ("d.tsv", "\t", "\ufeff"), ("d.tsv", ",", "\n"),
     ("d.csv", "|", "sep=|\r\n")],
)  # fmt: skip
def test_a_table_s_delimiter_is_seen_in_its_head(name: str, delimiter: str, before: str, tmp_path: Path) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows([HEAD, *ROWS])
    (tmp_path / name).write_text(before + text.getvalue(), encoding="utf-8")
    assert pairs(tmp_path / name) == (PAIRS, ["there is no answer with text"])


def test_a_spreadsheet_is_read_and_a_sheet_of_another_kind_is_named(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for title, rows in SHEETS:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(tmp_path / "d.xlsx")
    good, bad = pairs(tmp_path / "d.xlsx")
    assert good == [*PAIRS, ("2024", "1.5")]
    assert bad == ["there is no answer with text", "the sheet '说明' has other columns than the first and is not read"]
    (tmp_path / "d.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(DataError, match=r"d\.xlsx cannot be read as a table"):
        pairs(tmp_path / "d.xlsx")


@pytest.mark.parametrize("layout", ["stream", "file"])
def test_an_arrow_file_is_read(layout: str, tmp_path: Path) -> None:
    import pyarrow as pa

    table = pa.table(
        {"messages": [[{"role": "user", "content": q}, {"role": "assistant", "content": a}] for q, a in PAIRS]}
    )
    new = pa.ipc.new_stream if layout == "stream" else pa.ipc.new_file
    with new(str(tmp_path / "d.arrow"), table.schema) as writer:
        writer.write_table(table)
    assert pairs(tmp_path / "d.arrow") == (PAIRS, [])
