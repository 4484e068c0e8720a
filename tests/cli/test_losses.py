"""What users lost their work by: each of these is refused, and nothing is changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from mentalft.cli.main import run
from tests.recorded import recorded_run


def state(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_corpus_that_lies_where_the_run_would_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus = tmp_path / "corp" / "data" / "train.jsonl"
    corpus.parent.mkdir(parents=True)
    corpus.write_text('{"messages": []}\n')
    assert run(["data=local", f"data.path={corpus}", f"run_dir={tmp_path / 'corp'}"]) == 1
    assert "of no run of mentalft" in capsys.readouterr().err
    assert state(tmp_path / "corp") == {"data/train.jsonl": corpus.read_bytes()}


@pytest.mark.parametrize("name", ["checkpoints/my_model.pt", "adapter/notes.md", "responses/interviews.docx"])
@pytest.mark.parametrize("key", ["run_dir", "hydra.run.dir"])
def test_a_folder_of_the_users_own(name: str, key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_text("the user's")
    assert run(["experiment=quick", "tracking=none", f"{key}={tmp_path}"]) == 1
    assert f"{key}={tmp_path} holds files that are of no run of mentalft" in capsys.readouterr().err
    assert state(tmp_path) == {name: b"the user's"}


def test_answers_that_would_be_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_dir = recorded_run(tmp_path / "run")
    before = state(run_dir)
    answers = run_dir / "responses"
    given = [f"eval.responses.{name}={answers / name}.jsonl" for name in ("base", "tuned")]
    overrides = ["stages=[compare]", f"eval.references={tmp_path / 'r.json'}", *given, f"run_dir={run_dir}"]
    assert run([*overrides, "tracking=none"]) == 1
    assert "lies where this run writes" in capsys.readouterr().err
    assert state(run_dir) == before, "not even its log is written to"


@pytest.mark.parametrize(
    "pace",
    [
        "eval.openai.concurrency=1", "eval.openai.timeout=9", "eval.openai.max_retries=1", "eval.batch_size=3",
        "trainer.gradient_checkpointing=true", "trainer.logging_steps=7", "trainer.save_total_limit=1",
        "trainer.per_device_eval_batch_size=3", "data.num_proc=1", "report.language=zh",
    ],
)  # fmt: skip
def test_answers_and_checkpoints_are_kept_when_only_the_pace_changes(pace: str) -> None:
    """A setting that the advice on a busy server names, or that one changes when a run goes on."""
    from mentalft.runs.stage import Context
    from mentalft.stages import STAGES
    from tests.test_conf import composed

    for stage in STAGES:
        if stage.name == "preflight":  # a forecast of memory, and holds no work of anybody's
            continue
        bare = type(stage)(stage.name, stage.work, (), ())
        one, other = (bare.made_from(Context(composed(*overrides), Path())) for overrides in ((), (pace,)))
        assert one == other, stage.name
