"""One loaded model is an adapter at any strength: 0 is the base, 1 the adapter, and nothing of it stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from mentalft.modeling.adapter import add_adapter
from mentalft.modeling.scaling import adapter_at
from tests.modeling.test_adapter import base
from tests.test_conf import composed

IDS = torch.arange(10, 20)[None]
KINDS = {
    "lora": [],
    "rslora": ["lora.use_rslora=true"],
    "dora": ["lora.use_dora=true"],
    "saved": ["lora.modules_to_save=[lm_head]"],
    "full": ["lora=full"],
}


def disturbed(small_model: Path, overrides: list[str]) -> Any:
    """A model with an adapter that has moved everything it may move."""
    torch.manual_seed(0)
    model = add_adapter(
        base(small_model), composed("lora.target_modules=[q_proj,v_proj]", *overrides).lora, "base"
    ).eval()
    with torch.no_grad():
        for _, weight in model.named_parameters():
            if weight.requires_grad:
                weight.add_(0.05 * torch.randn_like(weight))
    return model


@pytest.mark.parametrize("kind", KINDS)
def test_from_the_base_to_the_adapter(kind: str, small_model: Path) -> None:
    model = disturbed(small_model, KINDS[kind])
    with torch.no_grad():
        whole = model(IDS).logits
        with model.disable_adapter():
            plain = model(IDS).logits
        found = {}
        for scale in (0.0, 0.5, 1.0):
            with adapter_at(model, "default", scale):
                found[scale] = model(IDS).logits
        assert torch.equal(model(IDS).logits, whole), "everything is as it was"
    assert not torch.allclose(whole, plain, atol=1e-3)
    torch.testing.assert_close(found[0.0], plain, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found[1.0], whole, atol=1e-4, rtol=1e-4)
    for end in (plain, whole):
        assert not torch.allclose(found[0.5], end, atol=1e-3)


def test_half_is_the_adapter_with_half_its_alpha(small_model: Path) -> None:
    model = disturbed(small_model, [])
    with torch.no_grad():
        with adapter_at(model, "default", 0.5):
            half = model(IDS).logits
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.mul_(0.5)
        torch.testing.assert_close(model(IDS).logits, half)


def test_an_error_inside_leaves_the_model_as_it_was(small_model: Path) -> None:
    model = disturbed(small_model, KINDS["full"])
    with torch.no_grad():
        whole = model(IDS).logits
        with pytest.raises(RuntimeError, match="out of"), adapter_at(model, "default", 0.5):
            raise RuntimeError("out of memory")
        assert torch.equal(model(IDS).logits, whole)
