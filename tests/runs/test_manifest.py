"""What a run records of itself, stage by stage, and the schema that promises it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from mentalft.assets import MANIFEST_SCHEMA
from mentalft.files import read_json
from mentalft.runs.manifest import record_of, recorded_precision, resolved, shared_settings, write_records
from mentalft.runs.markers import Marker, attempt_file, markers
from mentalft.stages import STAGES
from tests.recorded import recorded_run, score
from tests.test_conf import composed


def problems(manifest: Any) -> list[str]:
    return [error.message for error in Draft202012Validator(read_json(MANIFEST_SCHEMA)).iter_errors(manifest)]


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(read_json(MANIFEST_SCHEMA))


def test_versions_hardware_seeds_and_data_are_recorded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "not-to-be-seen")
    monkeypatch.setenv("HF_TOKEN", "not-to-be-seen")
    run_dir = recorded_run(tmp_path / "run", "seed=7")
    found = read_json(run_dir / "manifest.json")
    assert problems(found) == []
    assert found["command"][:2] == ["mentalft", "data=local"]
    assert found["seeds"] == {"seed": 7, "split_seed": 42}
    assert found["data"]["sha256"] == read_json(run_dir / "data" / "report.json")["source"]["sha256"]
    assert found["choices"]["eval"] == "default"
    assert found["versions"]["transformers"]
    assert found["hardware"]["memory_bytes"] > 0
    assert list(found["stages"]) == ["prepare", "train", "evaluate", "compare"]
    assert "adapter/adapter_model.safetensors" in found["stages"]["train"]["outputs"]
    assert "not-to-be-seen" not in (run_dir / "manifest.json").read_text()


def test_a_setting_that_a_recorded_stage_did_not_know_is_the_present_commands(tmp_path: Path) -> None:
    run_dir = recorded_run(tmp_path / "run")
    done, now = markers(run_dir), markers(run_dir)["compare"].record.config
    older = msgspec.convert(msgspec.to_builtins(done["compare"]), Marker)
    del older.record.config["eval"]["confidence"]
    assert resolved({**done, "compare": older}, now, STAGES)["eval"]["confidence"] == now["eval"]["confidence"]


def test_a_stage_done_again_changes_its_own_record_alone(tmp_path: Path) -> None:
    run_dir = recorded_run(tmp_path / "run")
    before = read_json(run_dir / "manifest.json")
    later = ("stages=[compare]", "seed=3", "eval.metrics=[length]")
    score(run_dir, composed("data=local", "data.path=other.json", *later), overrides=later)
    after = read_json(run_dir / "manifest.json")
    assert after["stages"]["compare"]["command"] == ["mentalft", *later]
    assert after["stages"]["compare"]["seeds"]["seed"] == 3
    assert {**after, "stages": None} == {**before, "stages": None}
    for stage in ("prepare", "train", "evaluate"):
        assert after["stages"][stage] == before["stages"][stage]
    assert problems(after) == []


def test_a_run_without_a_stage_has_the_command_s_record(tmp_path: Path) -> None:
    write_records(tmp_path, record_of(composed(), ["seed=42"], {"data": "sample"}, None), STAGES)
    found = read_json(tmp_path / "manifest.json")
    assert (found["data"], found["stages"], found["command"]) == (None, {}, ["mentalft", "seed=42"])
    assert problems(found) == []


@pytest.mark.parametrize("key", ["data.path={}", "data.sources=[{},b.json]", 'data.path="{}"'])
def test_the_home_folder_s_name_is_left_out_and_the_command_still_works(key: str) -> None:
    given = key.format(f"{Path.home()}/corpus.json")
    (_, recorded) = record_of(composed(), [given], {}, None).command
    assert str(Path.home()) not in recorded
    assert composed("data=local", recorded).data == composed("data=local", given).data


def test_what_a_run_without_training_shares_has_no_training_settings() -> None:
    shared = shared_settings(composed("stages=[prepare,evaluate,compare]"), log_text=True)
    assert "lora" not in shared
    assert set(shared["trainer"]) <= {"precision", "num_processes"}
    assert {"metrics", "primary", "max_new_tokens", "bounds"} <= shared["eval"].keys()
    assert shared["model"]["name"] == "mentalft-tiny"
    whole = shared_settings(composed(), log_text=True)
    assert {"learning_rate", "logging_steps"} <= whole["trainer"].keys()


@pytest.mark.parametrize(
    ("stands", "began", "expected"),
    [
        (None, None, None),
        ("auto", None, None),
        ("auto", "prepare", None),
        ("auto", "train", "auto"),
        ("bf16", None, "bf16"),
    ],
)
def test_a_run_that_loaded_a_model_keeps_what_auto_meant_then(
    tmp_path: Path, stands: str | None, began: str | None, expected: str | None
) -> None:
    if stands:
        (tmp_path / "config.resolved.yaml").write_text(f"trainer:\n  precision: {stands}\n", encoding="utf-8")
    if began:
        attempt_file(began).save(tmp_path, "digest")
    assert recorded_precision(tmp_path) == expected
