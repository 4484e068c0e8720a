"""``mentalft-review`` from the command line: what is said, what is written, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mentalft.cli.review import app
from mentalft.review.records import key_file
from mentalft.runs.place import is_run
from tests.recorded import recorded_run
from tests.review.simulated import Rater, write_saved


def test_a_review_from_its_pages_to_the_run_s_files(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run")
    runner = CliRunner()
    exported = runner.invoke(app, ["export", str(run), "--items", "10", "--raters", "2"])
    assert exported.exit_code == 0, exported.output
    (export,) = [path.name for path in (run / "review").iterdir()]
    key = key_file(export).load(run)
    assert sorted(path.name for path in (run / "review" / export / "pages").iterdir()) == ["r1.html", "r2.html"]
    files = write_saved(tmp_path, key, {"r1": Rater(), "r2": Rater()})
    assert runner.invoke(app, ["import", str(run), *map(str, files)]).exit_code == 0
    for name in ("comparison.md", "adapter/README.md"):
        assert "α is Krippendorff" in (run / name).read_text(encoding="utf-8")
    assert is_run(run)
    pairs = tmp_path / "pairs.jsonl"
    assert runner.invoke(app, ["pairs", str(run), "--to", str(pairs)]).exit_code == 0
    assert {*json.loads(pairs.read_text(encoding="utf-8").splitlines()[0])} == {"prompt", "chosen", "rejected"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["export", "nothing"], "nothing holds no comparison.json"),
        (["import", "nothing"], "nothing holds no comparison.json"),
        (["pairs", "nothing", "--to", "x"], "nothing holds no comparison.json"),
    ],
)
def test_what_is_no_run_is_said(arguments: list[str], words: str) -> None:
    found = CliRunner().invoke(app, arguments)
    assert found.exit_code == 1
    assert words in str(found.exception)


def test_a_language_that_is_none_is_wrong_usage(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["export", str(tmp_path), "--language", "fr"]).exit_code == 2
