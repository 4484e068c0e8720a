"""Files that are cut, edited or in the way are said in a line, and cost no trial."""

from __future__ import annotations

from pathlib import Path

import pytest

from mentalft.runs.sweep_files import STATUS, SWEEP_PLAN, read_plan, read_status, statuses
from mentalft.show.sweep import read_sweep, write_sweep
from mentalft.sweep import trial as trials
from mentalft.sweep.ending import conclude
from mentalft.sweep.plan import begin, check_free
from mentalft.sweep.trial import run_trial
from tests.show.sweep.fabricated import make_plan, make_trial
from tests.sweep.trials import plan, trial

DAMAGED = (b"", b"{", b'{"job": 0, "overrides": ["lora', b"[]", b"null", b'{"job": 1}', b"\x00\xff\xfe", b'"text"')


def damage(path: Path, content: bytes | None) -> None:
    """Write ``content``; None puts a folder in the file's place."""
    path.unlink(missing_ok=True)
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)


@pytest.mark.parametrize("content", [*DAMAGED, None])
def test_a_damaged_status_leaves_the_others_as_they_are(tmp_path: Path, content: bytes | None) -> None:
    make_plan(tmp_path, "lora.r=4,8")
    make_trial(tmp_path, 0, "lora.r=4")
    damage(make_trial(tmp_path, 1, "lora.r=8") / STATUS.name, content)
    assert read_status(tmp_path / "1") is None
    assert [s.job for s in statuses(tmp_path)] == [0]
    check_free(tmp_path)
    assert conclude(tmp_path, 0.0) == []
    assert [t.status.state for t in read_sweep(tmp_path).trials] == ["done", "unreadable"]
    assert "status.json cannot be read" in (tmp_path / "sweep.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("content", [*DAMAGED, None])
def test_a_damaged_plan_is_no_plan(tmp_path: Path, content: bytes | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "run_tracked", lambda *_, **__: 1.5)
    asked = trial(tmp_path, 0, ["lora.r=4"], ["experiment=quick", "tracking=none"])
    damage(tmp_path / SWEEP_PLAN.name, content)
    assert read_plan(tmp_path) is None
    assert run_trial(asked._replace(plan=read_plan(tmp_path))) == 1.5
    assert conclude(tmp_path, 0.0) == []
    assert read_sweep(tmp_path).plan.command == []
    if content is not None:
        begin(plan("basic", "lora.r=4,8"), tmp_path)
        assert SWEEP_PLAN.load(tmp_path).overrides == ["lora.r=4,8"]


def test_a_damaged_trial_keeps_its_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "run_tracked", lambda *_, **__: 1.5)
    asked = trial(tmp_path, 0, ["lora.r=4"], ["experiment=quick", "tracking=none"])
    run_trial(asked)
    (tmp_path / "0" / STATUS.name).write_text("{")
    assert run_trial(asked) == 1.5
    assert (tmp_path / "0" / STATUS.name).read_text() == "{"
    assert [s.job for s in statuses(tmp_path)] == [1]


def test_a_page_that_cannot_be_written_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(trials, "run_tracked", lambda *_, **__: 1.5)
    (tmp_path / "sweep.md").mkdir(parents=True)
    assert run_trial(trial(tmp_path, 0, ["lora.r=4"], ["experiment=quick", "tracking=none"])) == 1.5
    assert conclude(tmp_path, 0.0) == []
    said = capsys.readouterr()
    assert said.out.count("its page and tables could not be written") == 2
    assert "Traceback" not in said.out + said.err


def test_a_lock_that_cannot_be_taken_does_not_end_the_sweep_in_an_error(tmp_path: Path) -> None:
    make_plan(tmp_path, "lora.r=4,8")
    make_trial(tmp_path, 0, "lora.r=4", state="running", objective=None)
    (tmp_path / ".sweep").write_text("a file in the place of the folder of locks")
    assert conclude(tmp_path, 0.0) == []
    assert [s.state for s in statuses(tmp_path)] == ["running"]


def test_a_damaged_result_is_written_again(tmp_path: Path) -> None:
    make_plan(tmp_path, "lora.r=4,8")
    make_trial(tmp_path, 0, "lora.r=4")
    write_sweep(tmp_path)
    (tmp_path / "sweep.json").write_bytes(b"\xff{")
    write_sweep(tmp_path)
    assert (tmp_path / "sweep.json").read_text(encoding="utf-8").startswith("{")
