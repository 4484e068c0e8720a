"""What a terminal has room for is shown; what decides is never left out."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from rich.console import Console
from rich.table import Table

from mentalft.files import read_json, write_json
from mentalft.records import Gate
from mentalft.show.sweep import read_sweep, terminal_tables
from mentalft.words import Said
from tests.show.sweep.fabricated import make_trial


@pytest.mark.parametrize(
    ("width", "left_out"), [(200, ()), (80, ("parameters", "memory")), (50, ("parameters", "training"))]
)
def test_a_narrow_terminal_has_fewer_costs(tmp_path: Path, width: int, left_out: tuple[str, ...]) -> None:
    for number in range(2):
        make_trial(
            tmp_path, number, f"lora.r={number}", f"trainer.learning_rate=0.00{number + 1}", objective=3 + number
        )
    table = next(iter(terminal_tables(read_sweep(tmp_path), width)))
    assert isinstance(table, Table)
    headings = [str(column.header) for column in table.columns]
    assert set(headings) >= {"r", "learning_rate", "objective", "standing", "trial"}
    assert not set(left_out) & set(headings)
    console = Console(width=width, record=True, file=(tmp_path / "out").open("w"))
    console.print(table)
    assert "…" not in console.export_text()


def test_what_warns_of_the_test_scores_stands_above_them(tmp_path: Path) -> None:
    path = make_trial(tmp_path, 0, "lora.r=4") / "comparison.json"
    gate = Gate("echo", "caution", "base", Said("sweep.trials", {"count": 3}), Said("sweep.trials", {"count": 3}))
    write_json(path, {**read_json(path), "gates": [msgspec.to_builtins(gate)]})
    console = Console(width=200, record=True, file=(tmp_path / "out").open("w"))
    for table in terminal_tables(read_sweep(tmp_path), 200):
        console.print(table)
    said = console.export_text()
    assert 0 < said.find("warning: 3 trials") < said.find("Test scores of")
