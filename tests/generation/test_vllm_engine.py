"""What vLLM is asked for; vLLM itself needs a GPU and is not run here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mentalft.errors import ConfigError
from mentalft.files import write_json
from mentalft.generation.decoding import Decoding
from mentalft.generation.vllm_engine import check_vllm, model_arguments, sampling_arguments


def decoding(*, sampled: bool) -> Decoding:
    return Decoding(max_new_tokens=9, do_sample=sampled, temperature=0.6, top_p=0.9, top_k=50, seed=1)


def adapter(folder: Path, **config: Any) -> Path:
    write_json(folder / "adapter_config.json", {"r": 8, **config})
    return folder


def test_the_model_is_loaded_with_room_for_the_adapter_and_the_answer(tmp_path: Path) -> None:
    arguments = model_arguments(Path("m"), [adapter(tmp_path, r=12)], "float16", 512, decoding(sampled=False))
    assert (arguments["max_lora_rank"], arguments["max_model_len"], arguments["enable_lora"]) == (16, 521, True)
    assert arguments["trust_remote_code"] is False
    with pytest.raises(ConfigError, match="up to rank 512, and this one has 600"):
        model_arguments(Path("m"), [adapter(tmp_path, r=600)], "float16", 512, decoding(sampled=False))


def test_each_prompt_has_a_seed_of_its_own_and_greedy_has_none() -> None:
    one, other = (sampling_arguments(decoding(sampled=True), [2, 7], name) for name in "ab")
    assert one["seed"] != other["seed"]
    assert (one["temperature"], one["top_p"], one["top_k"], one["stop_token_ids"]) == (0.6, 0.9, 50, [2, 7])
    greedy = sampling_arguments(decoding(sampled=False), [2], "a")
    assert greedy["temperature"] == 0.0
    assert "seed" not in greedy


def test_without_vllm_and_with_adapters_it_does_not_load_there_is_one_clear_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mentalft.generation.vllm_engine.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'mentalft\[vllm\]'"):
        check_vllm()
    monkeypatch.setattr("mentalft.generation.vllm_engine.find_spec", lambda name: object())
    check_vllm([adapter(tmp_path)])
    with pytest.raises(ConfigError, match="DoRA"):
        check_vllm([adapter(tmp_path, use_dora=True)])
    with pytest.raises(ConfigError, match="fully trained modules"):
        check_vllm([adapter(tmp_path, modules_to_save=["lm_head"])])
