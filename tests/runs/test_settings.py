"""``config.resolved.yaml`` states what the results were made with, not what was typed last."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from mentalft.runs.manifest import is_demonstration, resolved
from mentalft.runs.markers import markers
from mentalft.stages import STAGES
from tests.recorded import recorded_run, run, score
from tests.test_conf import composed


def test_values_are_those_of_the_stage_that_used_them(tmp_path: Path) -> None:
    run_dir = recorded_run(tmp_path / "run", "lora.r=4", "seed=7", "data.max_length=256", "eval.max_new_tokens=30")
    later = ("stages=[compare]", "lora.r=16", "data.max_length=64", "eval.max_new_tokens=90", "eval.metrics=[length]")
    later = (*later, f"run_dir={run_dir}", "report.language=zh")
    score(run_dir, composed("data=local", "data.path=other.json", *later))
    found = OmegaConf.load(run_dir / "config.resolved.yaml")
    assert (found.lora.r, found.seed, found.data.max_length, found.eval.max_new_tokens) == (4, 7, 256, 30)
    assert found.data.path == str(tmp_path / "corpus.json")
    assert found.eval.metrics == ["rougeL", "length"], "what scores are made with is the compare stage's"
    assert found.stages == ["prepare", "train", "evaluate", "compare"], "all that are complete, not the last command's"
    assert found.run_dir is None
    assert found.report.language == "zh", "what no stage used is the last command's"


def test_a_run_without_a_stage_has_the_command_s_values(tmp_path: Path) -> None:
    now = asdict(composed("lora.r=4"))
    assert resolved(markers(tmp_path), now, STAGES) == now


@pytest.mark.parametrize(
    ("data", "asking", "expected"),
    [
        ("data=sample", "eval.items=test", True),
        ("data=sample", "eval.items=bank", True),
        ("data.path=corpus.json", "eval.items=test", False),
        ("data=sample", "model.name_or_path=Qwen/Qwen3-4B", False),
    ],
)
def test_the_embedded_model_on_embedded_data_is_a_demonstration(
    tmp_path: Path, data: str, asking: str, expected: bool
) -> None:
    assert not is_demonstration(tmp_path), "answers were given as files"
    for stage, override in (("prepare", data), ("evaluate", asking)):
        run(tmp_path, composed(override), stage, lambda: None, bare=True)
    assert is_demonstration(tmp_path) == expected
