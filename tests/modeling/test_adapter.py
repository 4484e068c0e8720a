"""LoRA: fp32 weights on a half-precision base, and one loaded model that is base and tuned."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from mentalft.errors import ConfigError, ModelError
from mentalft.files import read_json, write_json
from mentalft.generation.batched import generate
from mentalft.generation.decoding import Decoding
from mentalft.modeling.adapter import (
    CONFIG,
    WEIGHTS,
    add_adapter,
    check_adapter,
    check_fits,
    load_adapter,
    save_adapter,
)
from mentalft.modeling.base import load_base_model
from mentalft.modeling.locate import locate_model
from mentalft.modeling.precision import PrecisionPlan
from mentalft.records import Prompt, Response
from tests.test_conf import composed

GREEDY = Decoding(max_new_tokens=12, do_sample=False, temperature=1.0, top_p=1.0, top_k=0, seed=0)


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


@pytest.fixture(scope="module")
def saved(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter as training saves it."""
    folder = tmp_path_factory.mktemp("adapter")
    save_adapter(add_adapter(base(small_model), composed().lora, "Some/Base"), folder, None)
    return folder


def changed(saved: Path, to: Path, tensors: Any = None, **described: Any) -> Path:
    """A copy of the adapter with other tensors, or with other values in its configuration."""
    copy = Path(shutil.copytree(saved, to / "copy"))
    if tensors:
        save_file(tensors(load_file(copy / WEIGHTS)), copy / WEIGHTS)
    write_json(copy / CONFIG, {**read_json(copy / CONFIG), **described})
    return copy


def check(folder: Path, small_model: Path) -> None:
    from transformers import AutoConfig

    check_fits(folder, "eval.adapter", AutoConfig.from_pretrained(str(small_model)), "small")


def without_first(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return dict(sorted(tensors.items())[1:])


def first_as(change: Any) -> Any:
    def tensors(found: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        name, tensor = min(found.items(), key=lambda pair: pair[0])
        return {**found, name: change(tensor)}

    return tensors


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        (without_first, r"eval\.adapter=.*: 7 of 8 tensors fit the base model small; it was made for Some/Base \(.*q_proj.*is missing\)"),
        (lambda found: {**found, "base_model.model.lm_head.weight": torch.ones(2, 2)}, r"8 of 8 tensors fit.*lm_head\.weight has no place there"),
        (first_as(lambda t: torch.ones(t.shape[0] + 1, t.shape[1])), "7 of 8 tensors fit.*has another shape"),
        (lambda found: {f"base_model.model.transformer.{n}": t for n, t in found.items()}, "0 of 8 tensors fit"),
        (first_as(lambda t: torch.full_like(t, NAN)), "1 of 8 tensors hold numbers that are not finite"),
        (first_as(lambda t: t.index_fill(0, torch.tensor(0), INF).bfloat16()), "1 of 8 tensors hold numbers that are not finite"),
        (lambda _: {}, "holds no tensors"),
    ],
)  # fmt: skip
def test_an_adapter_must_fit_tensor_by_tensor(
    tensors: Any, words: str, saved: Path, small_model: Path, tmp_path: Path
) -> None:
    check(saved, small_model)
    with pytest.raises(ModelError, match=words):
        check(changed(saved, tmp_path, tensors), small_model)


@pytest.mark.parametrize(
    ("described", "words"),
    [
        ({"target_modules": ["c_attn"]}, "0 of 8 tensors fit the base model small; it was made for Some/Base"),
        ({"r": 4}, "0 of 8 tensors fit.*has another shape"),
        ({"target_modules": ["q_proj"]}, "4 of 4 tensors fit.*v_proj.*has no place there"),
        ({"base_model_name_or_path": None, "r": 4}, "does not say for which model it was made"),
        ({"peft_type": None}, r"adapter_config\.json does not describe an adapter.*peft_type"),
        ({"peft_type": "MAGIC"}, "has peft_type 'MAGIC'; adapters of the type LORA are read"),
        ({"peft_type": "PREFIX_TUNING"}, "peft_type 'PREFIX_TUNING'"),
        ({"r": "8"}, r"Expected `int`, got `str` - at `\$\.r`"),
        ({"r": 0}, r"`int` >= 1 - at `\$\.r`"),
        ({"lora_alpha": None}, r"`\$\.lora_alpha`"),
        ({"target_modules": 3}, r"`\$\.target_modules`"),
        ({"lora_dropout": 7}, r"`\$\.lora_dropout`"),
        ({"bias": "some"}, "bias"),
    ],
)
def test_a_description_that_cannot_be_meant_is_one_message(
    described: dict[str, Any], words: str, saved: Path, small_model: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=words) as failed:
        check(changed(saved, tmp_path, **described), small_model)
    assert "\n" not in str(failed.value)


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
@pytest.mark.parametrize("content", [b"", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", None, b"[]"])  # fmt: skip
def test_a_file_that_is_not_what_its_name_says_is_known_without_the_base(
    name: str, content: bytes | None, saved: Path, tmp_path: Path
) -> None:
    file = changed(saved, tmp_path) / name
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if content is None else content)
    what = "pointer of Git LFS" if content and b"git-lfs" in content else "does not describe|not a whole"
    with pytest.raises(ModelError, match=rf"lora\.adapter: .*{name} .*({what})"):
        check_adapter(file.parent, "lora.adapter")


@pytest.mark.parametrize("task_type", [None, "SEQ_CLS", "FEATURE_EXTRACTION"])
def test_decoding_is_what_the_record_says_whatever_the_task_type(
    task_type: str | None, saved: Path, small_model: Path, tokenizer: Any, tmp_path: Path
) -> None:
    """A model's own generation defaults would make answers longer and forbid what was said before."""
    prompts = [Prompt("1", "", tokenizer("我最近睡不好")["input_ids"])]

    def answers(folder: Path) -> list[Response]:
        model = base(small_model)
        model.generation_config.update(repetition_penalty=5.0, min_new_tokens=8, no_repeat_ngram_size=1)
        return list(generate(load_adapter(model, folder), tokenizer, prompts, GREEDY, [tokenizer.eos_token_id], 2))

    assert answers(changed(saved, tmp_path, task_type=task_type)) == answers(saved)
    plain = base(small_model)
    assert list(generate(plain, tokenizer, prompts, GREEDY, [tokenizer.eos_token_id], 2)) == answers(saved)


def test_a_fully_tuned_model_fits_its_base(small_model: Path, tmp_path: Path) -> None:
    save_adapter(add_adapter(base(small_model), composed("lora.method=full").lora, "b"), tmp_path, None)
    check(tmp_path, small_model)
