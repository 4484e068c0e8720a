"""Judging is a stage like the others: marked, resumed, verified, and shown with the comparison."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mentalft.config import Config
from mentalft.errors import ConfigError
from mentalft.runs.files import JUDGE
from mentalft.runs.markers import changed_outputs, marker_file
from mentalft.stages import JUDGE as STAGE
from tests.generation.test_openai_engine import Stub, stub  # noqa: F401 - stub is a fixture
from tests.judging.judges import longest, reply_of
from tests.recorded import recorded_run, run
from tests.test_conf import composed

pytest.importorskip("openai", reason="pip install 'mentalft[openai]'")


def config(url: str, *overrides: str) -> Config:
    judged = (
        "stages=[judge]",
        "judge=openai",
        f"judge.base_url={url}",
        "judge.model=m",
        "eval.bootstrap_resamples=200",
    )
    return composed(*judged, *overrides)


def test_it_is_marked_and_done_once(
    stub: Callable[..., Stub], tmp_path: Path, capsys: pytest.CaptureFixture[str]  # noqa: F811
) -> None:  # fmt: skip
    run_dir = recorded_run(tmp_path / "run")
    server = stub(lambda body, _: reply_of(longest)(body, 0))
    run(run_dir, config(server.url), "judge")
    asked = len(server.bodies)
    assert asked == 24
    assert marker_file("judge").load(run_dir).outputs.keys() == {"judge.json", "judge/verdicts.jsonl"}
    assert not list(changed_outputs(run_dir, marker_file("judge").load(run_dir)))
    run(run_dir, config(server.url, "judge.concurrency=1", "judge.timeout=9", "judge.max_requests=5"), "judge")
    assert "judge: already done" in capsys.readouterr().out
    run(run_dir, config(server.url, "judge.items=6"), "judge")
    assert "judge.items" in capsys.readouterr().out
    assert JUDGE.load(run_dir).contenders["tuned"].items == 6
    assert len(server.bodies) == asked
    key = (run_dir / ".stages" / "judge.json").read_text(encoding="utf-8")
    assert "api_key" in key, "the name of the variable, and no key"


def test_what_it_needs_is_looked_at_first(tmp_path: Path) -> None:
    here = "http://localhost:1/v1"
    for overrides, words in (
        (["judge.rubric=nope"], "judge.rubric=nope is no file"),
        (["judge.human=/nope.jsonl"], r"judge\.human=/nope\.jsonl does not exist"),
        (["judge.api_key_env=NO_SUCH"], r"judge\.api_key_env=NO_SUCH: there is no such environment variable"),
    ):
        with pytest.raises(ConfigError, match=words):
            STAGE.check(config(here, *overrides))
