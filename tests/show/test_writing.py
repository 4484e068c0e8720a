"""The report stage: it writes what is asked for, and no failure of a picture costs the run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mentalft.cli import runs as runs_cli
from mentalft.config.report import ReportConfig
from mentalft.errors import DataError
from mentalft.show import plots
from mentalft.show.writing import report
from tests.show.report_runs import item, write_run

HTML_ALONE = ReportConfig(language="auto", html=True, plots=False)


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    write_run(tmp_path / "run", [item(n) for n in range(6)])
    return tmp_path / "run"


def test_report_and_plots_are_written(run_dir: Path) -> None:
    assert report(ReportConfig(language="en", html=True, plots=True), run_dir) == run_dir / "report.html"
    html = (run_dir / "report.html").read_text(encoding="utf-8")
    assert 'lang="en"' in html
    assert 'id="figure-loss"' in html
    assert "style=" not in html, "the page's policy would not apply it"
    assert (run_dir / "plots" / "loss.png").is_file()


def test_labels_are_chinese_where_references_are(run_dir: Path) -> None:
    report(HTML_ALONE, run_dir)
    assert 'lang="zh-CN"' in (run_dir / "report.html").read_text(encoding="utf-8")
    assert not (run_dir / "plots").exists()


def test_a_figure_that_cannot_be_drawn_costs_a_warning(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no font\nat all")

    monkeypatch.setattr(plots, "figures_of", broken)
    monkeypatch.setattr(plots, "write_plots", broken)
    assert report(ReportConfig(language="en", html=True, plots=True), run_dir) is not None
    said = capsys.readouterr().out
    assert said.count("(no font)") == 2
    assert "could not be drawn" in (run_dir / "report.html").read_text(encoding="utf-8")


def test_a_report_that_shows_other_figures_does_not_stay(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (run_dir / "report.html").write_text("of an earlier comparison")
    monkeypatch.setattr("mentalft.show.writing.report_html", lambda *_: 1 / 0)
    assert report(HTML_ALONE, run_dir) is None
    assert not (run_dir / "report.html").exists()


def test_a_folder_without_a_comparison_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no comparison\.json"):
        report(HTML_ALONE, tmp_path)


def called(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["mentalft-runs", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        runs_cli.main()
    return int(stopped.value.code or 0)


def test_the_report_of_a_finished_run_is_written_again(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called(monkeypatch, "report", run_dir, "--language", "en", "--no-plots") == 0
    assert "report: " in capsys.readouterr().out
    assert 'lang="en"' in (run_dir / "report.html").read_text(encoding="utf-8")
    assert called(monkeypatch, "report", run_dir, "--language", "fr") == 2
    assert called(monkeypatch, "report", run_dir.parent) == 1
    assert "Traceback" not in capsys.readouterr().err
