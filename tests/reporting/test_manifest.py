"""What a run records of itself."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mentalft.files import read_json, write_json
from mentalft.reporting.manifest import write_manifest
from tests.test_conf import composed


def test_versions_hardware_seeds_and_data_are_recorded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["mentalft", "lora.r=4", f"hydra.run.dir={tmp_path}"])
    monkeypatch.setenv("WANDB_API_KEY", "not-to-be-seen")
    monkeypatch.setenv("HF_TOKEN", "not-to-be-seen")
    write_json(tmp_path / "data" / "report.json", {"source": {"sha256": "0" * 64}})
    write_manifest(composed("seed=7"), {"data": "sample"}, {"name": "tiny"}, tmp_path)
    found = read_json(tmp_path / "manifest.json")
    assert found["command"] == ["mentalft", "lora.r=4"]
    assert found["seeds"] == {"seed": 7, "split_seed": 42}
    assert found["data"] == {"sha256": "0" * 64}
    assert found["choices"] == {"data": "sample"}
    assert found["versions"]["transformers"]
    assert found["hardware"]["memory_bytes"] > 0
    assert "not-to-be-seen" not in (tmp_path / "manifest.json").read_text()


def test_a_run_without_data_says_so(tmp_path: Path) -> None:
    write_manifest(composed(), {}, None, tmp_path)
    assert read_json(tmp_path / "manifest.json")["data"] is None
