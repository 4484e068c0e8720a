"""An answer while it is written: it grows into what an evaluation gets, and ends when the user wants no more."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from mentalft.errors import UserError
from mentalft.files import sha256_json
from mentalft.generation.batched import generate
from mentalft.generation.decoding import Decoding
from mentalft.generation.streaming import GROWING, STOPPED, stream
from mentalft.records import Prompt

GREEDY = Decoding(max_new_tokens=12, do_sample=False, temperature=1.0, top_p=1.0, top_k=0, seed=0)
SAMPLED = Decoding(max_new_tokens=12, do_sample=True, temperature=0.8, top_p=0.95, top_k=50, seed=1)


@pytest.fixture(scope="module")
def model(small_model: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(str(small_model)).eval()


@pytest.fixture(scope="module")
def prompt(tokenizer: Any) -> Prompt:
    tokens = tokenizer("<|begin|><|user|>我很紧张。<|end|><|assistant|>", add_special_tokens=False)["input_ids"]
    return Prompt("1", sha256_json(tokens), tokens)


@pytest.mark.parametrize("how", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
@pytest.mark.parametrize("step", [11, 1000], ids=["ends", "is cut"])
def test_it_grows_into_the_answer_of_an_evaluation(
    how: Decoding, step: int, model: Any, tokenizer: Any, prompt: Prompt
) -> None:
    end_ids = [tokenizer.eos_token_id, *range(3, len(tokenizer), step)]
    *growing, whole = stream(model, tokenizer, prompt, how, end_ids, lambda: False)
    assert [whole] == list(generate(model, tokenizer, [prompt], how, end_ids, 1))
    assert {one.finish_reason for one in growing} <= {GROWING}
    assert all(whole.text.startswith(one.text) for one in growing)


def test_it_ends_where_the_user_wants_no_more(model: Any, tokenizer: Any, prompt: Prompt) -> None:
    seen: list[str] = []
    for one in stream(model, tokenizer, prompt, GREEDY, [tokenizer.eos_token_id], lambda: len(seen) > 2):
        seen.append(one.text)
    assert one.finish_reason == STOPPED
    assert one.tokens < GREEDY.max_new_tokens
    assert one.text == seen[-1]


def test_no_thread_goes_on_when_nobody_reads_on(model: Any, tokenizer: Any, prompt: Prompt) -> None:
    threads = threading.active_count()
    growing = stream(model, tokenizer, prompt, GREEDY, [tokenizer.eos_token_id], lambda: False)
    next(growing)
    growing.close()
    assert threading.active_count() == threads


def test_a_lack_of_memory_is_one_message(
    model: Any, tokenizer: Any, prompt: Prompt, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise RuntimeError("CUDA out of memory.")

    monkeypatch.setattr(model, "generate", full)
    with pytest.raises(UserError, match="out of memory"):
        list(stream(model, tokenizer, prompt, GREEDY, [tokenizer.eos_token_id], lambda: False))
