"""The command lines of the servers, and which of them is taken."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from mentalft.errors import ConfigError
from mentalft.files import read_json, write_json
from mentalft.modeling.precision import PrecisionPlan
from mentalft.runs.api import Run
from mentalft.serving.models import Served, lay_out, local_contenders
from mentalft.serving.servers import TRANSFORMERS, VLLM, choose
from tests.test_conf import composed

CPU = PrecisionPlan("fp32", "cpu", torch.float32)
GPU = PrecisionPlan("fp16", "cuda", torch.float16)


@pytest.fixture
def served(tmp_path: Path) -> list[Served]:
    """A model and an adapter on it, as far as command lines look at them."""
    base, tuned = tmp_path / "plain", tmp_path / "tuned"
    base.mkdir()
    write_json(tuned / "adapter_config.json", {"r": 12})
    return [Served("base", base, base), Served("tuned", tuned, base)]


@pytest.fixture
def vllm(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("vllm")
    module.__spec__ = sys.__spec__
    monkeypatch.setitem(sys.modules, "vllm", module)


def test_a_layout_has_the_template_end_tokens_and_decoding_of_the_run(served_run: Run, tmp_path: Path) -> None:
    cfg = served_run.settings
    cfg.eval.do_sample, cfg.eval.temperature, cfg.eval.top_k = True, 0.7, 20
    cfg.model.chat_template_kwargs = {"enable_thinking": False}
    contenders = local_contenders(cfg, served_run.path, ["tuned"])
    (tuned,) = lay_out(cfg, contenders, tmp_path)
    template = (tuned.folder / "chat_template.jinja").read_text(encoding="utf-8")
    assert "set enable_thinking = False" in template
    assert "{# of this run #}" in template
    generation = read_json(tuned.folder / "generation_config.json")
    assert (generation["do_sample"], generation["temperature"], generation["top_k"]) == (True, 0.7, 20)
    assert generation["eos_token_id"]
    assert read_json(tuned.folder / "adapter_config.json")["base_model_name_or_path"] == str(tuned.base)
    assert not (tuned.folder / "model.safetensors").exists()
    assert (tuned.base / "model.safetensors").is_symlink()


def test_models_are_the_runs_own_where_a_server_answered_for_them(served_run: Run) -> None:
    cfg = served_run.settings
    cfg.eval.engine = "openai"
    assert [bool(one.adapter) for one in local_contenders(cfg, served_run.path)] == [False, True, True]


def test_transformers_is_told_what_the_run_says(served: list[Served], tmp_path: Path) -> None:
    cfg = composed("model.quantization=4bit")
    arguments, environment = TRANSFORMERS.command(cfg, GPU, served, tmp_path)
    line = " ".join(arguments)
    assert "--dtype float16 --device auto" in line
    assert "--quantization bnb-4bit" in line
    assert environment["HF_HUB_OFFLINE"] == "1"


@pytest.mark.usefixtures("vllm")
def test_vllm_serves_one_model_and_adapters_on_it(served: list[Served], tmp_path: Path) -> None:
    arguments, _ = VLLM.command(composed(), GPU, served, tmp_path)
    line = " ".join(arguments)
    assert f"serve {served[0].base} --dtype float16 --served-model-name base" in line
    assert f"--enable-lora --max-lora-rank 16 --lora-modules tuned={served[1].folder}" in line
    assert choose("auto", composed(), GPU, served) is VLLM


@pytest.mark.usefixtures("vllm")
def test_what_vllm_cannot_serve_goes_to_transformers(served: list[Served]) -> None:
    other = Served("other", served[1].folder, served[1].folder)
    for cfg, plan, models, message in (
        (composed(), CPU, served, "needs a CUDA GPU"),
        (composed(), GPU, [*served, other], "serves one model and adapters on it"),
        (composed("model.quantization=4bit"), GPU, served, "model.quantization=4bit"),
    ):
        assert choose("auto", cfg, plan, models) is TRANSFORMERS
        with pytest.raises(ConfigError, match=message):
            choose("vllm", cfg, plan, models)
    write_json(served[1].folder / "adapter_config.json", {"r": 12, "use_dora": True})
    with pytest.raises(ConfigError, match="--engine vllm loads no adapter with DoRA"):
        choose("vllm", composed(), GPU, served)


def test_a_missing_package_is_said(served: list[Served], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"--engine vllm needs the vllm package: pip install 'mentalft\[vllm\]'"):
        choose("vllm", composed(), GPU, served)
    monkeypatch.setattr("mentalft.serving.servers.NEEDED", ("fastapi", "no_such_package"))
    with pytest.raises(ConfigError, match=r"needs no_such_package: pip install 'mentalft\[serve\]'"):
        choose("auto", composed(), CPU, served)
