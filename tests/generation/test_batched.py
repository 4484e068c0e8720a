"""Decoding: new text alone, cut at any end token, the same in a batch as one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mentalft.files import sha256_json
from mentalft.generation.batched import Decoding, Prompt, _response, generate

GREEDY = Decoding(max_new_tokens=12, do_sample=False, temperature=1.0, top_p=1.0, seed=0)


@pytest.fixture(scope="module")
def model(small_model: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(str(small_model)).eval()


def prompts(tokenizer: Any) -> list[Prompt]:
    texts = ["你好", "我最近睡不着，白天也没有精神。", "嗯", "工作上的事情太多了，家里也一样。"]
    ids = [tokenizer(f"<|begin|><|user|>{t}<|end|><|assistant|>", add_special_tokens=False)["input_ids"] for t in texts]
    return [Prompt(str(n), sha256_json(i), i) for n, i in enumerate(ids)]


def answers(model: Any, tokenizer: Any, batch_size: int, decoding: Decoding = GREEDY) -> dict[str, str]:
    ends = [tokenizer.eos_token_id]
    return {r.id: r.text for r in generate(model, tokenizer, prompts(tokenizer), decoding, ends, batch_size)}


def test_a_batch_answers_as_one_by_one(model: Any, tokenizer: Any) -> None:
    assert answers(model, tokenizer, 4) == answers(model, tokenizer, 1)


def test_every_prompt_is_answered_once(model: Any, tokenizer: Any) -> None:
    assert sorted(answers(model, tokenizer, 3)) == ["0", "1", "2", "3"]


def test_sampling_is_reproducible_and_seeded(model: Any, tokenizer: Any) -> None:
    one = Decoding(12, True, 1.0, 1.0, 1)
    assert answers(model, tokenizer, 2, one) == answers(model, tokenizer, 2, one)
    assert answers(model, tokenizer, 2, one) != answers(model, tokenizer, 2, Decoding(12, True, 1.0, 1.0, 2))


def test_an_answer_ends_at_the_first_end_token(tokenizer: Any) -> None:
    end, other_end = tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("<|user|>")
    said = tokenizer("好的", add_special_tokens=False)["input_ids"]
    prompt = Prompt("a", "hash", [1])
    done = _response(prompt, [*said, end, end, *said], tokenizer, {end})
    assert (done.text, done.finish_reason, done.tokens) == ("好的", "stop", len(said) + 1)
    assert _response(prompt, [*said, other_end, *said], tokenizer, {end, other_end}).text == "好的"
    cut = _response(prompt, said, tokenizer, {end})
    assert (cut.finish_reason, cut.tokens) == ("length", len(said))
    assert _response(prompt, [end], tokenizer, {end}).text == ""


def test_decoding_is_spelt_out_for_signatures() -> None:
    assert str(GREEDY) == "greedy, max_new_tokens=12"
    assert "temperature=0.6, top_p=0.9, seed=7" in str(Decoding(5, True, 0.6, 0.9, 7))
