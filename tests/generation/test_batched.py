"""Decoding: new text alone, cut at any end token, the same alone as in any batch, also when sampling."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from mentalft.errors import UserError
from mentalft.files import sha256_json
from mentalft.generation.batched import generate, response_of
from mentalft.generation.decoding import Decoding
from mentalft.records import Prompt

GREEDY = Decoding(max_new_tokens=12, do_sample=False, temperature=1.0, top_p=1.0, top_k=0, seed=0)
SAMPLED = Decoding(max_new_tokens=12, do_sample=True, temperature=0.8, top_p=0.95, top_k=50, seed=1)
TEXTS = [
    "你好",
    "我最近睡不着，白天也没有精神。",
    "嗯",
    "工作上的事情太多了，家里也一样。",
    "在吗",
    "考试快到了，我很紧张。",
    "谢谢",
]


@pytest.fixture(scope="module")
def model(small_model: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(str(small_model)).eval()


@pytest.fixture(scope="module")
def prompts(tokenizer: Any) -> list[Prompt]:
    ids = [tokenizer(f"<|begin|><|user|>{t}<|end|><|assistant|>", add_special_tokens=False)["input_ids"] for t in TEXTS]
    return [Prompt(str(n), sha256_json(i), i) for n, i in enumerate(ids)]


@pytest.fixture(scope="module")
def end_ids(model: Any, tokenizer: Any, prompts: list[Prompt]) -> list[int]:
    """So many end tokens that answers end early, late and never."""
    return [tokenizer.eos_token_id, *range(3, len(tokenizer), 11)]


def answers(
    model: Any, tokenizer: Any, prompts: list[Prompt], end_ids: list[int], size: int, how: Decoding
) -> dict[str, Any]:
    return {r.id: r for r in generate(model, tokenizer, prompts, how, end_ids, size)}


@pytest.mark.parametrize("how", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
def test_the_answer_to_a_prompt_depends_on_nothing_beside_it(
    how: Decoding, model: Any, tokenizer: Any, prompts: list[Prompt], end_ids: list[int]
) -> None:
    alone = {r.id: r for p in prompts for r in generate(model, tokenizer, [p], how, end_ids, 1)}
    assert len({r.tokens for r in alone.values()}) > 2, "answers of several lengths, or the test shows nothing"
    shuffled = random.Random(3).sample(prompts, len(prompts))
    for size in (1, 2, 3, 7, 64):
        assert answers(model, tokenizer, prompts, end_ids, size, how) == alone
        assert answers(model, tokenizer, shuffled[:5], end_ids, size, how) == {p.id: alone[p.id] for p in shuffled[:5]}


def test_greedy_answers_are_those_of_transformers_one_by_one(
    model: Any, tokenizer: Any, prompts: list[Prompt], end_ids: list[int]
) -> None:
    import torch

    found = answers(model, tokenizer, prompts, end_ids, 4, GREEDY)
    for prompt in prompts:
        ids = torch.tensor([prompt.tokens])
        out = model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False,
            eos_token_id=end_ids, pad_token_id=tokenizer.pad_token_id,
        )  # fmt: skip
        assert found[prompt.id] == response_of(prompt, out[0, ids.shape[1] :].tolist(), tokenizer, set(end_ids))


def test_another_seed_draws_other_answers(
    model: Any, tokenizer: Any, prompts: list[Prompt], end_ids: list[int]
) -> None:
    other = Decoding(**{**SAMPLED.__dict__, "seed": 2})
    assert answers(model, tokenizer, prompts, end_ids, 4, other) != answers(
        model, tokenizer, prompts, end_ids, 4, SAMPLED
    )


@pytest.mark.parametrize("special", [False, True], ids=["plain markers", "special markers"])
@pytest.mark.parametrize(
    ("prompt", "said", "text", "thinking", "finish"),
    [
        ("在吗", "<think>先共情</think>慢慢说", "慢慢说", "先共情", "stop"),
        ("在吗<think>\n", "先共情</think>慢慢说", "慢慢说", "先共情", "stop"),
        ("在吗<think>\n", "先共情", "", "先共情", "length"),
        ("在吗<think>\n\n</think>\n\n", "慢慢说", "慢慢说", None, "stop"),
    ],
)
def test_thinking_is_no_part_of_the_answer(
    prompt: str, said: str, text: str, thinking: str | None, finish: str, special: bool
) -> None:
    from transformers import AutoTokenizer

    from mentalft.assets import TINY_MODEL

    own = AutoTokenizer.from_pretrained(str(TINY_MODEL))
    own.add_tokens(["<think>", "</think>"], special_tokens=special)
    ids = own(said, add_special_tokens=False)["input_ids"]
    asked = Prompt("1", "", own(prompt, add_special_tokens=False)["input_ids"])
    found = response_of(asked, [*ids, own.eos_token_id], own, {own.eos_token_id})
    assert (found.text, found.thinking, found.finish_reason) == (text, thinking, finish)


class Small:
    """A model on a device with room for so many rows and no more."""

    def __init__(self, model: Any, rows: int) -> None:
        self.__dict__["model"], self.__dict__["rows"] = model, rows
        self.__dict__["tried"] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.model, name, value)

    def generate(self, input_ids: Any, **given: Any) -> Any:
        self.tried.append(len(input_ids))
        if len(input_ids) > self.rows:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return self.model.generate(input_ids=input_ids, **given)


def test_a_batch_that_does_not_fit_is_asked_in_halves(
    model: Any, tokenizer: Any, prompts: list[Prompt], end_ids: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    small = Small(model, rows=2)
    given = list(generate(small, tokenizer, prompts, GREEDY, end_ids, 7))
    assert {r.id: r for r in given} == answers(model, tokenizer, prompts, end_ids, 7, GREEDY)
    assert len(given) == len(prompts)
    assert small.tried[:3] == [7, 4, 2]
    assert "going on with 2 prompts at a time" in capsys.readouterr().out


def test_one_prompt_that_does_not_fit_is_said(model: Any, tokenizer: Any, prompts: list[Prompt]) -> None:
    with pytest.raises(UserError, match=r"out of memory with a single one of the prompts; lower data\.max_length"):
        list(generate(Small(model, rows=0), tokenizer, prompts, GREEDY, [tokenizer.eos_token_id], 4))


def test_an_answer_ends_at_the_first_end_token(tokenizer: Any) -> None:
    end, other_end = tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("<|user|>")
    said = tokenizer("好的", add_special_tokens=False)["input_ids"]
    prompt = Prompt("a", "hash", [1])
    done = response_of(prompt, [*said, end, end, *said], tokenizer, {end})
    assert (done.text, done.finish_reason, done.tokens) == ("好的", "stop", len(said) + 1)
    assert response_of(prompt, [*said, other_end, *said], tokenizer, {end, other_end}).text == "好的"
    cut = response_of(prompt, said, tokenizer, {end})
    assert (cut.finish_reason, cut.tokens) == ("length", len(said))
    assert response_of(prompt, [end], tokenizer, {end}).text == ""


def test_a_model_whose_state_cannot_be_taken_apart_answers_the_same(
    model: Any, tokenizer: Any, prompts: list[Prompt], end_ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = answers(model, tokenizer, prompts, end_ids, 3, SAMPLED)
    monkeypatch.setattr("mentalft.generation.kv_cache.growing_cache", lambda config: None)
    assert answers(model, tokenizer, prompts, end_ids, 3, SAMPLED) == expected
