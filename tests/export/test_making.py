"""``mentalft-export`` as it is called: what is proven gets its name, what is not does not, and nothing is overwritten."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from mentalft.cli import export as export_cli
from mentalft.export.folder import generation_config
from mentalft.export.record import EXPORT
from mentalft.files import read_json
from tests.export.conftest import Evaluated


@pytest.fixture
def run_dir(evaluated: Evaluated, tmp_path: Path) -> Path:
    return shutil.copytree(evaluated.run_dir, tmp_path / "run")


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Call the command; the exit code and what it said."""

    def call(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["mentalft-export", *map(str, arguments), "--prompts", "2"])
        with pytest.raises(SystemExit) as stopped:
            export_cli.main()
        said = capsys.readouterr()
        return int(stopped.value.code or 0), said.out + said.err

    return call


def test_what_is_proven_is_in_place_and_an_earlier_one_is_kept(called: Any, run_dir: Path) -> None:
    code, said = called(run_dir, "--to", "merged")
    assert code == 0, said
    assert "exported in float32, and proven" in said
    found = EXPORT.load(run_dir / "exports" / "merged")
    assert found.passed
    assert found.proof
    assert (found.proof.prompts_equal, found.proof.answers_equal, found.proof.answers_equal_to_evaluated) == (2, 2, 2)
    assert found.made.dtype == "float32"
    assert found.weights
    assert found.weights.tensors_equal == found.weights.tensors
    assert {"model.safetensors", "tokenizer.json", "chat_template.jinja", "README.md"} <= found.files.keys()
    assert called(run_dir, "--to", "merged", "--dtype", "bfloat16")[0] == 0
    assert EXPORT.load(run_dir / "exports" / "merged").made.dtype == "bfloat16"
    (earlier,) = run_dir.glob("superseded/export-*/exports/merged")
    assert EXPORT.load(earlier).made.dtype == "float32"
    assert not list(run_dir.glob(".stages/tmp/*"))


def test_an_adapter_names_no_place_of_this_machine(called: Any, run_dir: Path, tmp_path: Path) -> None:
    path = run_dir / "adapter" / "adapter_config.json"
    assert read_json(path)["base_model_name_or_path"] == "mentalft-tiny"
    code, said = called(run_dir, "--to", "adapter", "--out", tmp_path / "out")
    assert code == 0, said
    assert EXPORT.load(tmp_path / "out").passed
    for file in (tmp_path / "out").iterdir():
        assert str(tmp_path).encode() not in file.read_bytes(), file.name
    code, said = called(run_dir, "--to", "adapter", "--out", tmp_path / "out")
    assert code == 1
    assert "nothing is overwritten" in said


def test_what_fails_is_not_exported_and_can_be_looked_at(
    called: Any, run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_end(source: Any) -> Any:
        config = generation_config(source)
        config.eos_token_id = None
        return config

    monkeypatch.setattr("mentalft.export.merged.generation_config", without_end)
    code, said = called(run_dir, "--to", "merged")
    assert code == 1
    assert "mentalft-export: not exported: stop token missing: " in said
    assert not (run_dir / "exports" / "merged").exists()
    assert not EXPORT.load(run_dir / "exports" / "merged.failed").passed


def test_a_folder_of_somebody_else_is_proven_and_left_as_it_is(called: Any, run_dir: Path, merged: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in merged.iterdir()}
    code, said = called(run_dir, "--check", merged)
    assert code == 0, said
    assert "proven to be what was evaluated as tuned" in said
    assert {path.name: path.stat().st_mtime_ns for path in merged.iterdir()} == before
    code, said = called(run_dir, "--check", run_dir)
    assert code == 1
    assert "no folder of a model" in said


def test_what_was_not_evaluated_is_refused(called: Any, run_dir: Path) -> None:
    for arguments, message in (
        (["--to", "merged", "--contender", "base"], "is a model as it is"),
        (["--to", "merged", "--contender", "other"], "no such contender; it has base, tuned"),
        (["--to", "ggml"], "none of merged"),
        ([], "--to"),
    ):
        code, said = called(run_dir, *arguments)
        assert code != 0
        assert message in said
    (run_dir / "adapter" / "adapter_config.json").write_text(
        (run_dir / "adapter" / "adapter_config.json").read_text(encoding="utf-8") + " ", encoding="utf-8"
    )
    code, said = called(run_dir, "--to", "merged")
    assert code == 1
    assert "no longer the adapter that was evaluated" in said


def test_another_template_since_the_evaluation_is_found_out(called: Any, run_dir: Path) -> None:
    answers = run_dir / "responses" / "tuned.jsonl"
    answers.write_text(answers.read_text(encoding="utf-8").replace('"prompt_sha256": "', '"prompt_sha256": "0'))
    code, said = called(run_dir, "--to", "merged")
    assert code == 1
    assert "no longer the prompt that tuned was asked" in said
