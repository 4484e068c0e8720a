"""A finished stage is skipped; a changed input or output makes it run again, and says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from mentalft.runs.markers import FOLDER, StageRunner, configs, markers, unfinished, why_not_done


def run(run_dir: Path, made_from: dict[str, object], text: str = "result") -> int:
    """How often the work was done."""
    calls: list[int] = []

    def work() -> None:
        calls.append(1)
        (run_dir / "out.txt").write_text(text)

    StageRunner(run_dir).run("train", made_from, work, outputs=["out.txt"], leftovers=["checkpoints"])
    return len(calls)


def test_same_inputs_run_once_and_changes_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, {"lora": {"r": 8}}) == 1
    assert run(tmp_path, {"lora": {"r": 8}}) == 0
    assert "already done" in capsys.readouterr().out
    assert run(tmp_path, {"lora": {"r": 4}}) == 1
    assert "lora.r changed from 8 to 4" in capsys.readouterr().out
    assert markers(tmp_path)["train"]["cost"]["peak_memory_bytes"] > 0


def test_the_record_is_of_the_command_that_really_ran_the_stage(tmp_path: Path) -> None:
    seen: list[list[str]] = []
    for command in ("first", "second"):
        runner = StageRunner(
            tmp_path, lambda name=command: {"command": name}, lambda: seen.append([*markers(tmp_path)])
        )
        runner.run("train", {"r": 8}, lambda: None, outputs=[])
    assert markers(tmp_path)["train"]["record"]["command"] == "first"
    assert seen == [[], ["train"]], "told when it begins and when it is done, and not when it is skipped"


def test_what_is_no_key_of_the_configuration_is_said_in_words(tmp_path: Path) -> None:
    run(tmp_path, {"perplexity": None, "eval": {"metrics": ["bleu"]}})
    assert why_not_done(tmp_path, "train", {"perplexity": "f" * 32, "eval": {"metrics": ["chrf"]}}) == (
        "eval.metrics changed, eval.perplexity or what it measured (responses/perplexity.jsonl) changed"
    )


def test_a_damaged_or_missing_output_is_noticed(tmp_path: Path) -> None:
    run(tmp_path, {})
    (tmp_path / "out.txt").write_text("edited")
    assert why_not_done(tmp_path, "train", {}) == "out.txt was changed since it was written"
    (tmp_path / "out.txt").unlink()
    assert why_not_done(tmp_path, "train", {}) == "out.txt is gone"
    assert run(tmp_path, {}) == 1


def test_leftovers_serve_the_same_inputs_only(tmp_path: Path) -> None:
    def fail() -> None:
        (tmp_path / "checkpoints").mkdir(exist_ok=True)
        raise RuntimeError

    runner = StageRunner(tmp_path)
    with pytest.raises(RuntimeError):
        runner.run("train", {"r": 8}, fail, outputs=[], leftovers=["checkpoints"])
    with pytest.raises(RuntimeError):
        runner.run(
            "train", {"r": 8}, lambda: (_ for _ in ()).throw(RuntimeError), outputs=[], leftovers=["checkpoints"]
        )
    assert (tmp_path / "checkpoints").is_dir(), "the same inputs go on from what is there"
    run(tmp_path, {"r": 4})
    assert not (tmp_path / "checkpoints").exists(), "other inputs do not"


def test_stages_that_were_begun_and_are_not_complete(tmp_path: Path) -> None:
    assert unfinished(tmp_path) == []
    (tmp_path / FOLDER).mkdir()
    for name in ("of-another-version", "evaluate", "train", "prepare"):
        (tmp_path / FOLDER / f"{name}.attempt").touch()
    (tmp_path / FOLDER / "prepare.json").touch()
    assert unfinished(tmp_path) == ["train", "evaluate", "of-another-version"]


def test_a_stage_without_a_record_has_no_configuration() -> None:
    assert configs({"prepare": {"record": {"config": {"seed": 1}}}, "train": {"outputs": {}}}) == {
        "prepare": {"seed": 1}
    }
