"""A terminal that cannot show a character, and places that cannot be written: told in words, never a traceback."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.recorded import recorded_run

RUNS = "from mentalft.cli.runs import main; main()"
ENCODINGS = ["ascii", "gbk"]


def called(program: list[str], *arguments: object, encoding: str | None = None, cwd: Path | None = None) -> Any:
    env = {**os.environ, **({"PYTHONIOENCODING": encoding} if encoding else {})}
    return subprocess.run(
        [sys.executable, *program, *map(str, arguments)], capture_output=True, check=False, env=env, cwd=cwd
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = recorded_run(tmp_path_factory.mktemp("terminal") / "plain" / "run", "report.language=zh")
    return made.parent.rename(made.parent.with_name("咨询✓")) / "run"


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("command", [["list"], ["list", "--json"], ["show"], ["verify"], ["compare"], ["show", "✓"]])
def test_what_ran_is_shown_on_any_terminal(encoding: str, command: list[str], run: Path) -> None:
    where = run.parent if command[0] == "list" else run
    done = called(["-c", RUNS], *(command if "✓" in command else [*command, where]), encoding=encoding)
    assert done.returncode == (1 if "✓" in command else 0), done.stderr
    assert b"Traceback" not in done.stdout + done.stderr
    assert b"\\u2713" in done.stdout + done.stderr
    assert (
        "咨询".encode("gbk" if encoding == "gbk" else "unicode_escape") in done.stdout + done.stderr or "✓" in command
    )


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_experiment_runs_on_any_terminal(encoding: str, quick_overrides: list[str], tmp_path: Path) -> None:
    given = [*quick_overrides, "stages=[prepare]", "tracking=none", "report.language=zh", "run_dir=咨询✓"]
    done = called(["-m", "mentalft"], *given, encoding=encoding, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert b"\\u2713" in done.stdout
    assert (tmp_path / "咨询✓" / "data" / "train.jsonl").is_file()
    assert "咨询✓" in (tmp_path / "咨询✓" / "mentalft.log").read_text(encoding="utf-8")
    for arguments in (["--cfg", "job", "data=local", "data.path=✓"], ["data=✓"], ["✓=1"]):
        said = called(["-m", "mentalft"], *arguments, encoding=encoding, cwd=tmp_path)
        assert b"\\u2713" in said.stdout + said.stderr
        assert b"Traceback" not in said.stderr


def test_a_log_that_cannot_be_opened_is_one_message(quick_overrides: list[str], tmp_path: Path) -> None:
    (tmp_path / "run" / "mentalft.log").mkdir(parents=True)
    (tmp_path / "run" / ".stages").mkdir()
    done = called(["-m", "mentalft"], *quick_overrides, "stages=[prepare]", "run_dir=run", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.decode().count("mentalft.log: Is a directory") == 1
    assert b"Traceback" not in done.stderr


def test_a_log_on_a_full_disk_is_given_up_with_one_line(quick_overrides: list[str], tmp_path: Path) -> None:
    (tmp_path / "run" / ".stages").mkdir(parents=True)
    (tmp_path / "run" / "mentalft.log").symlink_to("/dev/full")
    given = [*quick_overrides, "stages=[prepare]", "tracking=none", "run_dir=run"]
    done = called(["-m", "mentalft"], *given, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().count("the run goes on without its log") == 1
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("kind", ["a file in its place", "below a file", "read-only"])
def test_a_cache_that_cannot_be_written_is_left_out_with_one_line(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mentalft.runs import stage
    from tests.test_conf import composed

    (tmp_path / "file").touch()
    folder = {"a file in its place": tmp_path / "file", "below a file": tmp_path / "file" / "cache"}.get(kind)
    if folder is None:
        folder = tmp_path / "cache"

        def refuse(path: Path) -> None:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

        monkeypatch.setattr(stage, "check_writable", refuse)
    context = stage.Context(composed(f"cache_dir={folder}"), tmp_path / "run", lambda row: None, None)
    assert context.cache() is None
    assert context.cache() is None
    assert capsys.readouterr().out.count("the run goes on without it") == 1


def test_a_run_whose_home_is_a_file_goes_on(
    quick_overrides: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    given = [o for o in quick_overrides if not o.startswith("cache_dir=")]
    done = called(["-m", "mentalft"], *given, "stages=[prepare]", "tracking=none", "run_dir=run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().count("the run goes on without it") == 1
    assert b"Traceback" not in done.stderr


def test_answers_that_the_cache_has_no_room_for_are_kept_in_the_run_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mentalft.generation import cache
    from mentalft.records import Response

    def full(*given: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(cache, "write_jsonl", full)
    cache.ResponseCache(tmp_path).store({}, [Response("a", "b", "c", "stop", 1)])
    assert capsys.readouterr().out.count("the run goes on without it") == 1


def test_a_corpus_that_the_cache_has_no_room_for_is_made_beside_the_run(
    dialogue_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mentalft.data.read import staging

    made = staging.stage

    def stage(*given: Any) -> Any:
        if given[-1].is_relative_to(tmp_path / "cache"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return made(*given)

    monkeypatch.setattr(staging, "stage", stage)
    from mentalft.cli.main import run

    given = [
        "data=local",
        f"data.path={dialogue_file}",
        "stages=[prepare]",
        "tracking=none",
        f"cache_dir={tmp_path / 'cache'}",
    ]
    assert run([*given, f"run_dir={tmp_path / 'run'}"]) == 0
    assert capsys.readouterr().out.count("the run goes on without it") == 1
    assert (tmp_path / "run" / "data" / "train.jsonl").is_file()
