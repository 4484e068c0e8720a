"""How a run ends on screen: warnings, the table, what a sweep is told, and what to do next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mentalft.errors import UserError
from mentalft.experiment import Result, show
from mentalft.records import TrainingResult
from mentalft.runs.files import COMPARISON as FILE
from mentalft.runs.files import ITEMS, TRAINED
from mentalft.stages import STAGES
from mentalft.tracking import Tracker
from mentalft.words import told
from tests.show.compared import COMPARISON
from tests.test_conf import composed

NEXT = "mentalft data=local data.path=FILE"


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    FILE.save(tmp_path, COMPARISON)
    ITEMS.save(tmp_path, [])
    TRAINED.save(tmp_path, TrainingResult(1.5))
    return tmp_path


def ended(run_dir: Path, *overrides: str) -> Result:
    cfg = composed("tracking=none", *overrides)
    stages = [stage for stage in STAGES if stage.is_wanted(cfg)]
    return show(cfg, stages, run_dir, Tracker(cfg.tracking, run_dir))


def test_warnings_stand_above_the_table_and_the_directory_below(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = ended(run_dir)
    said = capsys.readouterr().out
    places = [said.index(words) for words in (told(COMPARISON.warnings[0]), "interval", "run directory: ", NEXT)]
    assert places == sorted(places)
    assert (result.comparison, result.objective) == (COMPARISON, 1.5)


def test_what_did_not_run_is_not_shown(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = ended(run_dir, "stages=[prepare]")
    said = capsys.readouterr().out
    assert "BLEU" not in said
    assert NEXT not in said
    assert (result.comparison, result.objective) == (None, None)


@pytest.mark.parametrize(
    "overrides",
    [
        ["model.name_or_path=someone/model"],
        ["stages=[compare]", "eval.references=r", "eval.responses.base=b", "eval.responses.tuned=t"],
    ],
)
def test_what_to_do_next_is_for_the_embedded_model_alone(
    overrides: list[str], run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended(run_dir, *overrides)
    assert NEXT not in capsys.readouterr().out


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_is_not_handed_to_a_sweep(loss: float, run_dir: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(
        "mentalft.runs.files.JsonFile.load", lambda file, _: TrainingResult(loss) if file is TRAINED else COMPARISON
    )
    with pytest.raises(UserError, match=r"objective \(validation_loss\) is (nan|inf); lower trainer\.learning_rate"):
        ended(run_dir)
