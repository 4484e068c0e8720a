"""A run with a small model and an adapter that answers otherwise, and a conversation with both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mentalft.chat.session import Session
from mentalft.chat.voices import Voice, load_voices, talkers
from mentalft.console import set_language
from mentalft.runs.api import load_run
from tests.recorded import recorded_run


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    yield
    set_language("en")


@pytest.fixture(scope="session")
def chat_run(tmp_path_factory: pytest.TempPathFactory, small_model: Path) -> Path:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    run_dir = recorded_run(
        tmp_path_factory.mktemp("chat") / "run", f"model.name_or_path={small_model}", "eval.max_new_tokens=8",
        "data.max_length=128", "eval.contenders.theirs.answers=theirs.json",
    )  # fmt: skip
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_pretrained(str(small_model))
    config = LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False, task_type="CAUSAL_LM")
    get_peft_model(model, config).save_pretrained(str(run_dir / "adapter"))
    return run_dir


@pytest.fixture(scope="session")
def voices(chat_run: Path) -> list[Voice]:
    cfg = load_run(chat_run).settings
    return load_voices(cfg, chat_run, talkers(cfg))


@pytest.fixture
def begin(chat_run: Path, voices: list[Voice], tmp_path: Path) -> Callable[..., Session]:
    """Begins a conversation that writes below ``tmp_path``."""
    cfg = load_run(chat_run).settings
    return lambda **given: Session(cfg, tmp_path, voices, **given)


@pytest.fixture
def session(begin: Callable[..., Session]) -> Session:
    return begin()
