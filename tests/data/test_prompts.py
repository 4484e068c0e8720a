"""The one prompt builder: what is supervised, and that training and evaluation see the same tokens."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from mentalft.data.prompts import IGNORED_LABEL, PromptBuilder, with_system
from mentalft.errors import ModelError
from mentalft.records import Message
from tests.data import templates
from tests.test_conf import CHOICES, composed

DIALOGUE = (
    Message("system", "你是一个倾听者"),
    Message("user", "我最近睡不好。"),
    Message("assistant", "愿意说说夜里在想什么吗？"),
    Message("user", "工作上的事，\n还有家里。"),
    Message("assistant", "两边都要顾，难怪你累。"),
)
TEMPLATES = {"tiny": None, "llama3": templates.LLAMA3, "qwen2_5": templates.QWEN2_5, "qwen3": templates.QWEN3_INSTRUCT}
FAMILY = {
    "tiny": "tiny", "llama3_2_1b": "llama3", "llama3_2_3b": "llama3", "qwen2_5_1_5b": "qwen2_5", "qwen2_5_7b": "qwen2_5",
    "qwen3_4b": "qwen3",
}  # fmt: skip
"""Whose form of template each model of the configuration has."""


def builder_of(tokenizer: Any, family: str, template: str | None, kwargs: dict[str, Any]) -> PromptBuilder:
    """A builder for a template on the embedded vocabulary."""
    own = copy.deepcopy(tokenizer)
    special = templates.SPECIAL.get(family)
    if special:
        own.add_special_tokens({"additional_special_tokens": special})
        own.eos_token = special[-1]
        own.bos_token = "<|begin_of_text|>" if family == "llama3" else None
    if template is not None:
        own.chat_template = template or None
    return PromptBuilder(own, kwargs, family)


@pytest.fixture(params=[*sorted(FAMILY), "no template"])
def builder(request: pytest.FixtureRequest, tokenizer: Any) -> PromptBuilder:
    """A builder for each model of the configuration, with its own extra variables; and for one without a template."""
    if request.param == "no template":
        return builder_of(tokenizer, "chatml_fallback", "", {})
    family = FAMILY[request.param]
    return builder_of(
        tokenizer, family, TEMPLATES[family], composed(f"model={request.param}").model.chat_template_kwargs
    )


def test_every_model_of_the_configuration_is_tested_here() -> None:
    assert {choice.partition("=")[2] for choice in CHOICES if choice.startswith("model=")} == set(FAMILY)


def supervised_runs(builder: PromptBuilder, messages: tuple[Message, ...]) -> list[str]:
    """The supervised stretches of an example, decoded with their special tokens."""
    example = builder.example(messages)
    runs: list[list[int]] = []
    previous = IGNORED_LABEL
    for label in example.labels:
        if label != IGNORED_LABEL:
            if previous == IGNORED_LABEL:
                runs.append([])
            runs[-1].append(label)
        previous = label
    return [builder.tokenizer.decode(run) for run in runs]


def test_exactly_the_answers_and_their_end_are_supervised(builder: PromptBuilder) -> None:
    end = builder.tokenizer.eos_token
    assert supervised_runs(builder, DIALOGUE) == [
        "愿意说说夜里在想什么吗？" + end,
        "两边都要顾，难怪你累。" + end,
    ]


def test_labels_are_the_tokens_themselves(builder: PromptBuilder) -> None:
    example = builder.example(DIALOGUE)
    assert len(example.labels) == len(example.input_ids)
    assert all(label in (IGNORED_LABEL, token) for label, token in zip(example.labels, example.input_ids, strict=True))


@pytest.mark.parametrize("turn", [2, 4])
def test_a_prompt_is_the_beginning_of_the_training_example(builder: PromptBuilder, turn: int) -> None:
    prompt, example = builder.prompt(DIALOGUE[:turn]), builder.example(DIALOGUE)
    assert example.input_ids[: len(prompt)] == prompt
    assert example.labels[len(prompt)] != IGNORED_LABEL, "the answer begins where the prompt ends"
    assert example.labels[len(prompt) - 1] == IGNORED_LABEL


def test_a_prompt_is_what_the_template_renders(builder: PromptBuilder) -> None:
    rendered = builder.tokenizer.apply_chat_template(
        [m.chat() for m in DIALOGUE[:4]], tokenize=False, add_generation_prompt=True, **builder.template_kwargs
    )
    assert builder.tokenizer.decode(builder.prompt(DIALOGUE[:4])) == rendered


def test_there_is_exactly_one_beginning(builder: PromptBuilder) -> None:
    bos = builder.tokenizer.bos_token_id
    if builder.name in ("tiny", "llama3"):
        assert builder.example(DIALOGUE).input_ids.count(bos) == 1
        assert builder.prompt(DIALOGUE[:2])[0] == bos


def test_a_second_beginning_is_refused(tokenizer: Any) -> None:
    own = copy.deepcopy(tokenizer)
    own.chat_template = "{{ bos_token }}" + own.chat_template
    with pytest.raises(ModelError, match="2 beginning-of-sequence"):
        PromptBuilder(own, {}, "doubled").example(DIALOGUE)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (templates.UNSTABLE, "prefix-stable"),
        (templates.QWEN3_THINKING, "prefix-stable"),
        (templates.NO_END, "special token"),
    ],
)
def test_a_template_that_cannot_be_trained_on_is_refused_by_name(tokenizer: Any, template: str, words: str) -> None:
    own = copy.deepcopy(tokenizer)
    own.add_special_tokens({"additional_special_tokens": templates.SPECIAL["qwen2_5"]})
    own.chat_template = template
    with pytest.raises(ModelError, match=words) as error:
        PromptBuilder(own, {}, "odd-model").example(DIALOGUE)
    assert "odd-model" in str(error.value)


def test_a_long_dialogue_loses_its_oldest_exchanges_and_keeps_its_system_message(builder: PromptBuilder) -> None:
    whole = len(builder.example(DIALOGUE).input_ids)
    assert builder.fit(DIALOGUE, whole) == list(DIALOGUE)
    assert builder.fit(DIALOGUE, whole - 1) == [DIALOGUE[0], *DIALOGUE[3:]]
    assert builder.fit(DIALOGUE, 5) is None
    prompt = DIALOGUE[:4]
    assert builder.fit(prompt, len(builder.prompt(prompt)) - 1, as_prompt=True) == [DIALOGUE[0], DIALOGUE[3]]


def test_a_system_message_is_added_only_where_there_is_none() -> None:
    assert with_system(DIALOGUE, "别的")[0].content == "你是一个倾听者"
    assert with_system(DIALOGUE[1:], "别的")[0] == Message("system", "别的")
    assert with_system(DIALOGUE[1:], None) == list(DIALOGUE[1:])


def test_what_the_assistant_says_unasked_is_context_and_goes_first(builder: PromptBuilder) -> None:
    spoken = (Message("assistant", "你好，我在听。"), *DIALOGUE[1:])
    assert supervised_runs(builder, spoken) == supervised_runs(builder, DIALOGUE[1:])
    whole = len(builder.example(spoken).input_ids)
    assert builder.fit(spoken, whole) == list(spoken)
    assert builder.fit(spoken, whole - 1) == list(DIALOGUE[1:])
