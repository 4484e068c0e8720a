"""Plain lines where nobody watches; short paths; every said line is logged too."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from mentalft.console import progress, say, say_path, shown


def test_a_line_is_printed_as_it_is_and_logged(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="mentalft"):
        say("12 [rejected] records", style="yellow")
    assert capsys.readouterr().out == "12 [rejected] records\n"
    assert caplog.messages == ["12 [rejected] records"]


def test_a_file_is_a_link_where_the_terminal_knows_links(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path.cwd() / "a [b]" / "report.html"
    say_path("report", path)
    assert capsys.readouterr().out == "report: a [b]/report.html\n"
    terminal = Console(force_terminal=True, color_system="standard", width=120, file=io.StringIO())
    monkeypatch.setattr("mentalft.console.console", terminal)
    say_path("report", path)
    assert f";{path.as_uri()}\x1b\\a [b]/report.html" in terminal.file.getvalue()  # type: ignore[attr-defined]


def test_no_bar_where_the_output_is_not_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress(range(3), "counting", total=3)) == [0, 1, 2]
    assert capsys.readouterr().out == ""


def test_a_path_is_shown_as_it_can_be_typed(tmp_path: Path) -> None:
    assert shown(Path.cwd() / "outputs" / "run") == "outputs/run"
    assert shown(tmp_path) == str(tmp_path)


def test_where_nobody_reads_on_the_work_goes_on(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from mentalft.console import log_to, say\n"
        f"with log_to(Path({str(tmp_path)!r})):\n"
        "    for number in range(20_000):\n        say(f'line {number}')\n"
    )
    piped = f'{sys.executable} -c "$CODE" | head -n 1; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(
        ["bash", "-c", piped], env={**os.environ, "CODE": code}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "line 0\n", "")
    assert (tmp_path / "mentalft.log").read_text(encoding="utf-8").endswith("line 19999\n")
