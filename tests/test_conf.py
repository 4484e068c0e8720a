"""Every YAML under conf/ composes into a configuration within bounds, and says what it promises."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import hydra
import pytest
from hydra.core.config_store import ConfigStore

from mentalft.cli.single import readable
from mentalft.config import Config
from mentalft.config.checks import problems
from mentalft.config.composition import load_config

ROOT = Path(str(resources.files("mentalft.conf")))
CHOICES = sorted(f"{path.parent.name}={path.stem}" for path in ROOT.glob("*/*.yaml") if not path.stem.startswith("_"))


def composed(*overrides: str) -> Config:
    ConfigStore.instance().store("base_config", Config, replace=True)
    with hydra.initialize_config_module("mentalft.conf"):
        return load_config(hydra.compose("config", overrides=[*map(readable, overrides)]))


@pytest.mark.parametrize("choice", CHOICES)
def test_every_choice_composes(choice: str) -> None:
    extra = {
        "data=local": ["data.path=somewhere.json"],
        "eval=openai": ["eval.openai.base_url=http://x", "eval.openai.base_model=x", "eval.openai.tuned_model=y"],
    }.get(choice, [])
    assert problems(composed(choice, *extra)) == []


def test_shared_parts_are_used() -> None:
    for part in ROOT.glob("*/_*.yaml"):
        users = [p for p in part.parent.glob("*.yaml") if f"defaults: [{part.stem}]" in p.read_text(encoding="utf-8")]
        assert users, f"{part} is used by nothing"


def test_the_reference_case_is_value_for_value() -> None:
    """Figures of the published recipe: LLaMA 3.2 3B Instruct on SoulChatCorpus."""
    cfg = composed("experiment=reference")
    assert cfg.model.name_or_path == "meta-llama/Llama-3.2-3B-Instruct"
    assert (cfg.lora.r, cfg.lora.lora_alpha, cfg.lora.lora_dropout) == (8, 32, 0.05)
    assert cfg.lora.target_modules == ["q_proj", "v_proj"]
    assert cfg.data.max_length == 512
    assert cfg.data.validation_fraction + cfg.data.test_fraction == pytest.approx(0.2)
    assert (cfg.data.split_seed, cfg.seed) == (42, 42)
    assert cfg.data.system_message == "你是一个乐于助人的AI助手"
    t = cfg.trainer
    assert (t.per_device_train_batch_size, t.per_device_eval_batch_size, t.gradient_accumulation_steps) == (2, 1, 4)
    assert (t.learning_rate, t.lr_scheduler_type, t.warmup_ratio, t.weight_decay) == (2e-5, "cosine", 0.1, 0.01)
    assert (t.num_train_epochs, t.optim, t.precision, t.gradient_checkpointing) == (3, "adamw_torch", "auto", True)
    assert (t.eval_steps, t.save_steps, t.logging_steps) == (200, 400, 50)
    e = cfg.eval
    assert (e.items, e.max_new_tokens, e.do_sample, e.temperature, e.top_p) == ("bank", 200, True, 0.6, 0.9)
    assert e.embedder == "paraphrase-multilingual-MiniLM-L12-v2"


def test_cache_can_be_switched_off_in_words() -> None:
    assert composed("cache=off").cache is False
