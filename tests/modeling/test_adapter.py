"""LoRA: fp32 weights on a half-precision base, and one loaded model that is base and tuned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from mentalft.errors import ConfigError, ModelError
from mentalft.modeling.adapter import add_adapter, load_adapter
from mentalft.modeling.base import load_base_model
from mentalft.modeling.locate import locate_model
from mentalft.modeling.precision import PrecisionPlan
from tests.test_conf import composed


def base(small_model: Path, dtype: torch.dtype = torch.float32) -> Any:
    cfg = composed(f"model.name_or_path={small_model}").model
    return load_base_model(cfg, locate_model(cfg), PrecisionPlan("fp32", "cpu", dtype))


def test_lora_weights_are_fp32_and_alone_trainable_on_a_half_precision_base(small_model: Path) -> None:
    model = add_adapter(base(small_model, torch.float16), composed().lora, "base")
    for name, weight in model.named_parameters():
        assert weight.requires_grad == ("lora_" in name)
        assert weight.dtype == (torch.float32 if "lora_" in name else torch.float16), name


def test_without_its_adapter_the_model_is_the_base_to_the_bit(small_model: Path, tmp_path: Path) -> None:
    ids = torch.arange(10, 20)[None]
    with torch.no_grad():
        before = base(small_model)(ids).logits
        model = add_adapter(base(small_model), composed().lora, "base")
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.fill_(0.5)
        model.save_pretrained(tmp_path, save_embedding_layers=False)
        tuned = load_adapter(base(small_model), tmp_path)
        assert not torch.equal(tuned(ids).logits, before)
        with tuned.disable_adapter():
            assert torch.equal(tuned(ids).logits, before)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["lora.target_modules=[query_key_value]"], r"no module query_key_value; .*down_proj, .*q_proj"),
        (["lora.target_modules=[q_proj,v_porj]"], r"target_modules: .*no module v_porj; did you mean v_proj"),
        (["lora.target_modules=[q_proj,proj]"], r"no module proj; "),
        (["lora.target_modules=[layers.1.self_attn.q_prj]"], r"did you mean layers\.1\.self_attn\.q_proj"),
        (["lora.target_modules=[q_proj,all-linear]"], r"no module all-linear"),
        (
            ["lora.modules_to_save=[lm_head,embed_token]"],
            r"modules_to_save: .*no module embed_token; did you mean embed_tok",
        ),
        (["lora.target_modules=[q_proj,mlp]"], r"lora: Target module LlamaMLP"),
    ],
)
def test_layers_that_are_not_there_are_named_with_those_that_are(
    small_model: Path, overrides: list[str], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        add_adapter(base(small_model), composed(*overrides).lora, "base")


def test_a_layer_can_be_named_in_full_or_by_its_end(small_model: Path) -> None:
    names = "[v_proj,self_attn.q_proj,model.layers.1.mlp.up_proj]"
    model = add_adapter(base(small_model), composed(f"lora.target_modules={names}").lora, "base")
    adapted = {
        n.split(".lora_")[0].removeprefix("base_model.model.") for n, _ in model.named_parameters() if ".lora_" in n
    }
    assert {name for name in adapted if "mlp" in name} == {"model.layers.1.mlp.up_proj"}
    assert len(adapted) == 5


def test_all_linear_leaves_the_output_head_alone(small_model: Path) -> None:
    model = add_adapter(base(small_model), composed("lora=all_linear").lora, "base")
    adapted = {n.split(".lora_")[0].rpartition(".")[2] for n, _ in model.named_parameters() if ".lora_" in n}
    assert adapted == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


def test_a_folder_without_an_adapter_is_named(small_model: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no adapter_config\.json"):
        load_adapter(base(small_model), tmp_path)
