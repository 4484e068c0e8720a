"""Merging gives what base and adapter give together, whatever of the model the adapter changes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from mentalft.export.weights import merged_model
from mentalft.modeling.adapter import add_adapter, load_adapter, save_adapter
from tests.test_conf import composed

ADAPTERS = {
    "q and v": [],
    "all linear layers": ["lora=all_linear"],
    "DoRA": ["lora=dora"],
    "rank-stabilised": ["lora=rslora"],
    "everything": ["lora=full"],
    "output embeddings": ["lora.modules_to_save=[lm_head]"],
    "input embeddings": ["lora.modules_to_save=[embed_tokens]"],
    "both": ["lora.modules_to_save=[embed_tokens,lm_head]"],
    "LoRA on the output embeddings": ["lora.target_modules=[q_proj,lm_head]"],
    "LoRA on the input embeddings": ["lora.target_modules=[q_proj,embed_tokens]"],
}


@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
@pytest.mark.parametrize("adapter", ADAPTERS)
def test_the_merged_model_is_base_and_adapter(adapter: str, tied: bool, small_model: Path, tmp_path: Path) -> None:
    def base() -> Any:
        return AutoModelForCausalLM.from_pretrained(str(tmp_path / "base"), dtype=torch.float32).eval()

    model = AutoModelForCausalLM.from_pretrained(str(small_model))
    if tied:
        model.config.tie_word_embeddings = True
        model.tie_weights()
    model.save_pretrained(str(tmp_path / "base"))
    torch.manual_seed(1)
    trained = add_adapter(base(), composed(*ADAPTERS[adapter]).lora, "base")
    with torch.no_grad():
        for weight in trained.parameters():
            if weight.requires_grad:
                weight.add_(0.1 * torch.randn_like(weight))
    (tmp_path / "adapter").mkdir()
    save_adapter(trained, tmp_path / "adapter", None)
    ids = torch.arange(40).unsqueeze(0)
    source: Any = SimpleNamespace(base_model=lambda *_: base(), adapter=tmp_path / "adapter")
    merged_model(source).save_pretrained(str(tmp_path / "merged"))
    afresh = AutoModelForCausalLM.from_pretrained(str(tmp_path / "merged"), dtype=torch.float32).eval()
    with torch.inference_mode():
        wanted = load_adapter(base(), tmp_path / "adapter")(ids).logits
        plain = base()(ids).logits
        found = afresh(ids).logits
    assert (wanted - plain).abs().max() > 0.01, "the adapter changes something"
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
