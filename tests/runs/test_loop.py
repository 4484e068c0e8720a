"""A finished stage is skipped; a changed input or output makes it run again, says why, and loses nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mentalft.config.schema import Config
from mentalft.errors import DataError
from mentalft.files import MARKED
from mentalft.runs.loop import check_needs, run_stage, stale
from mentalft.runs.markers import attempt_file, marker_file, markers, unfinished, why_not_done
from mentalft.runs.place import SUPERSEDED
from mentalft.runs.stage import Context, Stage
from mentalft.words import told
from tests.recorded import record
from tests.test_conf import composed


@pytest.fixture(scope="module")
def cfg() -> Config:
    return composed()


def a_stage(work: Callable[[Context], object], inputs: dict[str, Any] | None = None) -> Stage:
    return Stage(
        "train",
        work,
        (),
        writes=("out.txt", "folder/*"),
        leaves=("checkpoints/checkpoint-*",),
        inputs=lambda _: inputs or {},
    )


def run(run_dir: Path, cfg: Config, inputs: dict[str, Any] | None = None, text: str = "result") -> int:
    """How often the work was done."""
    calls: list[int] = []

    def work(context: Context) -> None:
        calls.append(1)
        (context.run_dir / "out.txt").write_text(text)
        (context.run_dir / "folder").mkdir(exist_ok=True)
        (context.run_dir / "folder" / "ours.txt").write_text(text)

    run_stage(a_stage(work, inputs), Context(cfg, run_dir), record, lambda: None)
    return len(calls)


def set_aside(run_dir: Path) -> dict[str, str]:
    """What was moved, by its place."""
    found = sorted((run_dir / SUPERSEDED).rglob("*"))
    return {
        p.relative_to(run_dir / SUPERSEDED).as_posix().partition("/")[2]: p.read_text(errors="replace")
        for p in found
        if p.is_file()
    }


def test_same_inputs_run_once_and_changes_are_named(
    tmp_path: Path, cfg: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    other = replace(cfg, lora=replace(cfg.lora, r=4))
    assert run(tmp_path, cfg) == 1
    assert run(tmp_path, cfg) == 0
    assert "train: already done" in capsys.readouterr().out
    assert run(tmp_path, other) == 1
    assert "train: runs again: lora.r changed from 8 to 4" in capsys.readouterr().out
    assert markers(tmp_path)["train"].cost.peak_memory_bytes > 0


def test_what_is_replaced_is_moved_and_what_is_not_ours_stays(tmp_path: Path, cfg: Config) -> None:
    run(tmp_path, cfg, text="first")
    (tmp_path / "folder" / "notes.md").write_text("the user's")
    (tmp_path / "checkpoints" / "checkpoint-4").mkdir(parents=True)
    (tmp_path / "checkpoints" / "checkpoint-4" / "weights").write_text("hours of work")
    (tmp_path / "checkpoints" / "my_model.pt").write_text("the user's")
    run(tmp_path, replace(cfg, seed=7), text="second")
    assert (tmp_path / "folder" / "notes.md").read_text() == "the user's"
    assert (tmp_path / "checkpoints" / "my_model.pt").read_text() == "the user's"
    assert (tmp_path / "out.txt").read_text() == "second"
    moved = set_aside(tmp_path)
    assert moved.pop(f"{MARKED}/train.json")
    assert moved == {
        "out.txt": "first",
        "folder/ours.txt": "first",
        "checkpoints/checkpoint-4/weights": "hours of work",
    }


def test_a_file_that_stands_where_a_stage_writes_is_moved(tmp_path: Path, cfg: Config) -> None:
    (tmp_path / "out.txt").write_text("the user's")
    assert run(tmp_path, cfg) == 1
    assert set_aside(tmp_path) == {"out.txt": "the user's"}


@pytest.mark.parametrize("damage", [b"", b'{"outputs": ', b"\xff\xfe\x00", b"[]", b'{"made_from": {}}', b'"train"'])
def test_a_damaged_marker_is_no_traceback_and_loses_nothing(
    damage: bytes, tmp_path: Path, cfg: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path, cfg, text="first")
    marker_file("train").path(tmp_path).write_bytes(damage)
    attempt_file("train").path(tmp_path).write_bytes(damage)
    assert markers(tmp_path) == {}
    assert unfinished(tmp_path) == ["train"]
    assert run(tmp_path, cfg, text="second") == 1
    assert f"train: runs again: {MARKED}/train.json cannot be read" in capsys.readouterr().out
    assert "out.txt" in set_aside(tmp_path)
    assert set_aside(tmp_path)["out.txt"] == "first"


def test_what_is_no_key_of_the_configuration_is_said_in_words(tmp_path: Path, cfg: Config) -> None:
    run(tmp_path, cfg, {"likelihoods": None, "x": {"y": ["bleu"]}})
    stage = a_stage(lambda _: None, {"likelihoods": "f" * 32, "x": {"y": ["chrf"]}})
    reasons = stale([stage], Context(cfg, tmp_path))["train"]
    assert [told(reason) for reason in reasons] == [
        "what eval.perplexity measured (responses/perplexity.jsonl) changed",
        "x.y changed",
    ]
    assert told(reasons[0], "zh") == "eval.perplexity 的测量结果（responses/perplexity.jsonl） 有改动"


def test_a_damaged_or_missing_output_is_noticed(tmp_path: Path, cfg: Config) -> None:
    run(tmp_path, cfg)
    made_from = a_stage(lambda _: None).made_from(Context(cfg, tmp_path))

    def reason() -> str:
        (found,) = why_not_done(tmp_path, "train", made_from) or []
        return told(found)

    (tmp_path / "out.txt").write_text("edited")
    assert reason() == "out.txt was changed since it was written"
    (tmp_path / "out.txt").unlink()
    assert reason() == "out.txt is gone"
    assert run(tmp_path, cfg) == 1


def test_leftovers_serve_the_same_inputs_only(tmp_path: Path, cfg: Config) -> None:
    left = tmp_path / "checkpoints" / "checkpoint-2"

    def fail(_: Context) -> None:
        left.mkdir(parents=True, exist_ok=True)
        (left / "weights").write_text("some steps")
        raise RuntimeError

    for stage in (a_stage(fail), a_stage(lambda _: (_ for _ in ()).throw(RuntimeError))):
        with pytest.raises(RuntimeError):
            run_stage(stage, Context(cfg, tmp_path), record, lambda: None)
        assert left.is_dir(), "the same inputs go on from what is there"
    run(tmp_path, replace(cfg, seed=7))
    assert not left.exists(), "other inputs do not"
    assert set_aside(tmp_path)["checkpoints/checkpoint-2/weights"] == "some steps"


def test_the_record_is_of_the_command_that_really_ran_the_stage(tmp_path: Path, cfg: Config) -> None:
    seen: list[list[str]] = []

    def done_as(name: str, cfg: Config) -> list[str]:
        run_stage(
            a_stage(lambda _: None),
            Context(cfg, tmp_path),
            lambda: replace(record(cfg), command=[name]),
            lambda: seen.append([*markers(tmp_path)]),
        )
        return markers(tmp_path)["train"].record.command

    assert done_as("first", cfg) == ["first"]
    assert done_as("second", cfg) == ["first"]
    assert seen == [["train"]], "told when it is done, and not when it is skipped"
    assert done_as("third", replace(cfg, seed=7)) == ["third"]
    assert seen[1:] == [[], ["train"]], "told when the earlier result was moved aside, too"


def test_stages_that_were_begun_and_are_not_complete(tmp_path: Path, cfg: Config) -> None:
    assert unfinished(tmp_path) == []
    run(tmp_path, cfg)
    for name in ("of-another-version", "compare", "evaluate"):
        attempt_file(name).save(tmp_path, "digest")
    assert unfinished(tmp_path) == ["evaluate", "compare", "of-another-version"]


def test_a_stage_whose_input_no_stage_makes_is_refused_at_once(tmp_path: Path, cfg: Config) -> None:
    needing = Stage("compare", lambda _: None, ("evaluate|answers",), ())
    with pytest.raises(DataError, match="add evaluate to stages"):
        check_needs([needing], tmp_path)
    check_needs([needing, Stage("answers", lambda _: None, (), ())], tmp_path)
