"""The dashboard names the keys that runs log, and what keeps it from being saved is one line."""

from __future__ import annotations

import json
import sys

import pytest

from mentalft.errors import ConfigError, UserError
from mentalft.tracking.workspace import build_workspace, save_workspace


def test_it_has_curves_scores_and_sweeps_over_our_own_keys() -> None:
    pytest.importorskip("wandb_workspaces")
    spec = build_workspace("team", "mentalft")._to_model().spec.section.panel_bank_config
    sections = {section.name: section.model_dump_json(by_alias=True) for section in spec.sections}
    assert list(sections) == ["Curves", "Before and after", "Sweeps"]
    for name in ("train/step", "train/loss", "validation/loss", "train/learning_rate", "train/tokens_per_second"):
        assert json.dumps(name) in sections["Curves"]
    for name in ("base/bleu", "tuned/bleu", "difference/bleu", "difference/cosine"):
        assert json.dumps(name) in sections["Before and after"]
    for name in ("lora/r", "lora/lora_alpha", "lora/lora_dropout", "trainer/learning_rate"):
        assert json.dumps(f"config:{name}.value") in sections["Sweeps"]
    assert '"summary:validation/best_loss"' in sections["Sweeps"]
    assert '"Parameter Importance"' in sections["Sweeps"]


def test_a_target_of_another_form_and_a_missing_package_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for target in ("mentalft", "a/b/c", "/b"):
        with pytest.raises(ConfigError, match="is no ENTITY/PROJECT"):
            save_workspace(target)
    monkeypatch.setitem(sys.modules, "wandb_workspaces.workspaces", None)
    with pytest.raises(UserError, match=r"pip install 'mentalft\[workspaces\]'"):
        build_workspace("team", "mentalft")
