"""The base model and its tokenizer as they are loaded for training and evaluation."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from mentalft.config import ModelConfig
from mentalft.data.prompts import FALLBACK_TEMPLATE, PromptBuilder
from mentalft.errors import ConfigError, ModelError
from mentalft.modeling.base import (
    check_attention,
    check_quantization,
    counting_tokenizer,
    end_token_ids,
    load_base_model,
    load_tokenizer,
)
from mentalft.modeling.locate import LocatedModel
from mentalft.modeling.precision import PrecisionPlan
from tests.test_conf import composed

FP32 = PrecisionPlan("fp32", "cpu", torch.float32)


@pytest.fixture
def cfg() -> ModelConfig:
    return composed().model


def located(folder: Path) -> LocatedModel:
    return LocatedModel(folder, "mine", None)


def test_it_is_loaded_in_the_planned_type_and_in_evaluation_mode(cfg: ModelConfig, small_model: Path) -> None:
    model = load_base_model(cfg, located(small_model), FP32)
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert not model.training


def test_pickled_weights_are_refused(cfg: ModelConfig, small_model: Path, tmp_path: Path) -> None:
    shutil.copytree(small_model, tmp_path / "pickled")
    (tmp_path / "pickled" / "model.safetensors").rename(tmp_path / "pickled" / "pytorch_model.bin")
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_base_model(cfg, located(tmp_path / "pickled"), FP32)


def test_a_folder_without_a_tokenizer_is_named(cfg: ModelConfig, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no tokenizer can be loaded from"):
        load_tokenizer(cfg, located(tmp_path))


def test_padding_is_never_left_undefined(cfg: ModelConfig, small_model: Path, tmp_path: Path) -> None:
    shutil.copytree(small_model, tmp_path / "unpadded")
    settings = json.loads((tmp_path / "unpadded" / "tokenizer_config.json").read_text())
    settings.pop("pad_token")
    (tmp_path / "unpadded" / "tokenizer_config.json").write_text(json.dumps(settings))
    found = load_tokenizer(replace(cfg, name="unpadded"), located(tmp_path / "unpadded"))
    assert found.pad_token_id is not None
    assert found.pad_token_id != found.eos_token_id


def test_every_way_to_end_an_answer_is_known(cfg: ModelConfig, small_model: Path, tokenizer: Any) -> None:
    model = load_base_model(cfg, located(small_model), FP32)
    model.generation_config.eos_token_id = [7, tokenizer.eos_token_id]
    builder = PromptBuilder(tokenizer, {}, "mine")
    assert end_token_ids(model, builder) == sorted({7, tokenizer.eos_token_id})
    model.generation_config.eos_token_id = None
    assert end_token_ids(model, builder) == [tokenizer.eos_token_id]
    other = copy.deepcopy(tokenizer)
    other.add_tokens(["<end_of_turn>"])
    other.chat_template = "{% for m in messages %}{{ m.role + m.content + '<end_of_turn>' }}{% endfor %}"
    ids = [tokenizer.eos_token_id, other.convert_tokens_to_ids("<end_of_turn>")]
    assert end_token_ids(model, PromptBuilder(other, {}, "mine")) == ids, "the one that closes a turn, whoever names it"


def test_the_template_can_be_another_and_goes_with_the_adapter(
    cfg: ModelConfig, small_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "own.jinja").write_text("{{ '慢慢说' }}", encoding="utf-8")
    own = load_tokenizer(replace(cfg, chat_template=str(tmp_path / "own.jinja")), located(small_model))
    own.save_pretrained(str(tmp_path / "saved"))
    for load in (load_tokenizer, counting_tokenizer):
        assert load(cfg, located(tmp_path / "saved")).chat_template == "{{ '慢慢说' }}"
        chatml = load(replace(cfg, chat_template="chatml"), located(small_model))
        PromptBuilder(chatml, {}, "mine")
        assert FALLBACK_TEMPLATE in chatml.chat_template
    with pytest.raises(ConfigError, match=r"model\.chat_template=chatlm is no file"):
        load_tokenizer(replace(cfg, chat_template="chatlm"), located(small_model))


def test_tokens_are_counted_as_the_model_will_see_them_and_without_torch(cfg: ModelConfig, small_model: Path) -> None:
    messages = [{"role": "user", "content": "睡不着"}, {"role": "assistant", "content": "多久了？"}]
    counting, loaded = counting_tokenizer(cfg, located(small_model)), load_tokenizer(cfg, located(small_model))
    assert counting.apply_chat_template(messages)["input_ids"] == loaded.apply_chat_template(messages)["input_ids"]
    code = (
        "import sys; from pathlib import Path; from mentalft.modeling.base import counting_tokenizer; "
        "from mentalft.modeling.locate import LocatedModel; from types import SimpleNamespace; "
        "counting_tokenizer(SimpleNamespace(chat_template=None), LocatedModel(Path(sys.argv[1]), 'm', None)); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(small_model)], check=False).returncode == 0


@pytest.mark.parametrize(
    ("change", "device", "words"),
    [
        ({"attn_implementation": "flash_attention_2"}, "cpu", "needs a CUDA GPU"),
        ({"attn_implementation": "flash_attention_2"}, "cuda", "flash-attn"),
        ({"quantization": "4bit"}, "cpu", "needs a CUDA GPU"),
        ({"quantization": "8bit"}, "cuda", r"mentalft\[qlora\]"),
    ],
)
def test_what_this_machine_lacks_is_said_before_anything_is_loaded(
    change: dict[str, str], device: str, words: str, cfg: ModelConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mentalft.modeling.base.find_spec", lambda name: None)
    check = check_attention if "attn_implementation" in change else check_quantization
    with pytest.raises(ConfigError, match=words):
        check(replace(cfg, **change), device)
