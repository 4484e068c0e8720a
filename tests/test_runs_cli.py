"""``mentalft-runs`` as it is called: tables, exit codes, one line an error, and no torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mentalft import runs_cli
from mentalft.files import read_json
from tests.reporting.sweep.made_up import make_trial
from tests.stages.test_compare_runs import make_run


def called(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["mentalft-runs", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        runs_cli.main()
    return int(stopped.value.code or 0)


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    return [make_run(tmp_path / f"seed{seed}", seed) for seed in (1, 2)]


def test_a_table_in_the_terminal_and_in_files(
    runs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = (tmp_path / "t.md", tmp_path / "t.json")
    assert called(monkeypatch, "compare", *runs, "--markdown", files[0], "--json", files[1]) == 0
    said = capsys.readouterr().out
    for part in ("run 2:", "ROUGE-1", "all", "Spread between runs", "better"):
        assert part in said
    assert "| ROUGE-1 | all |" in files[0].read_text()
    assert read_json(files[1])["combined"][0]["metric"] == "rouge1"


def test_errors_are_lines_and_exit_codes(
    runs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called(monkeypatch, "compare", runs[0], tmp_path / "nowhere") == 1
    error = capsys.readouterr().err
    assert error.startswith("mentalft-runs: ")
    assert len(error.splitlines()) == 1
    assert called(monkeypatch, "compare", runs[0], "--json", tmp_path) == 1
    assert "Traceback" not in capsys.readouterr().err
    assert called(monkeypatch, "compare") == 2
    assert called(monkeypatch, "compere", runs[0]) == 2
    assert called(monkeypatch, "--help") == 0


def test_it_needs_no_torch(runs: list[Path]) -> None:
    code = (
        "import sys\nfrom mentalft import runs_cli\n"
        "try:\n    runs_cli.main()\nexcept SystemExit as stopped:\n    assert not stopped.code\n"
        "print([name for name in ('torch', 'transformers', 'nltk', 'jieba', 'wandb', 'hydra') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "compare", *map(str, runs)], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_sweep_is_shown_and_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_trial(tmp_path, 0, "lora.r=4", objective=3.2)
    make_trial(tmp_path, 1, "lora.r=8", objective=3.0)
    make_trial(tmp_path, 2, "lora.r=16", state="failed", objective=None, error="out of [memory]")
    assert called(monkeypatch, "sweep", tmp_path) == 0
    said = capsys.readouterr().out
    for part in ("2 done, 1 failed", "chosen", "out of [memory]", "Test scores of r=8", "page: "):
        assert part in said
    assert (tmp_path / "sweep.html").is_file()
    assert called(monkeypatch, "sweep", tmp_path / "nowhere") == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
