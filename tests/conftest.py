"""Shared fixtures: nothing here reaches a network, the user's home, or the user's cache."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from mentalft.console import set_language

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # a worker a core; before torch is imported
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line sets it; before torch is imported
os.environ["HYDRA_FULL_ERROR"] = "0"


@pytest.fixture(autouse=True)
def _isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty home, no W&B key, a working directory of the test's own, and English."""
    set_language("en")
    home = tmp_path_factory.mktemp("home")
    for name in [n for n in os.environ if n.startswith(("WANDB_", "HF_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
    monkeypatch.setattr("mentalft.console._language", ["en"])
    monkeypatch.chdir(tmp_path_factory.mktemp("cwd"))


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    """The embedded model's tokenizer; tests must not change it."""
    from transformers import AutoTokenizer

    from mentalft.assets import TINY_MODEL

    return AutoTokenizer.from_pretrained(str(TINY_MODEL))


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory, tokenizer: Any) -> Path:
    """A folder with a random LLaMA of two thin layers and the embedded tokenizer: loads and trains in a moment."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("small_model")
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=1024, bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id, initializer_range=0.2,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    return folder


def dialogue_record(number: int, exchanges: int = 2) -> dict[str, Any]:
    """A SoulChatCorpus record that is like no other."""
    draw = random.Random(f"record {number}")
    messages = []
    for _ in range(exchanges):
        user, assistant = ("".join(chr(0x4E00 + draw.randrange(2000)) for _ in range(16)) for _ in range(2))
        messages += [
            {"role": "user", "content": f"{user}，今天有点累。"},
            {"role": "assistant", "content": f"谢谢你告诉我，{assistant}。"},
        ]
    return {"id": number, "topic": f"话题{number % 3}", "messages": messages}


@pytest.fixture
def dialogue_file(tmp_path: Path) -> Path:
    """Sixty good dialogues in SoulChatCorpus form."""
    path = tmp_path / "dialogues.json"
    path.write_text(json.dumps([dialogue_record(n) for n in range(60)], ensure_ascii=False), encoding="utf-8")
    return path


@pytest.fixture
def quick_overrides(small_model: Path, dialogue_file: Path, tmp_path: Path) -> list[str]:
    """A whole experiment in a few seconds."""
    return [
        "experiment=quick", "data=local", f"data.path={dialogue_file}", "data.max_dialogues=null",
        f"model.name_or_path={small_model}", "trainer.max_steps=4", "trainer.eval_steps=2", "trainer.save_steps=2",
        "trainer.logging_steps=1", "trainer.per_device_train_batch_size=4", "eval.max_new_tokens=8", "eval.max_items=8",
        "eval.bootstrap_resamples=200", f"cache_dir={tmp_path / 'cache'}", "report.html=false", "report.plots=false",
        "trainer.precision=fp32",
    ]  # fmt: skip
