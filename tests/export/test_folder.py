"""An export's own template makes the run's prompts, without any settings of mentalft."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from mentalft.data.prompts import PromptBuilder
from mentalft.export.folder import portable
from mentalft.records import Message

ROLES = "{% for m in messages %}{{ '<|' + m.role + '|>' + m.content + '<|end|>' }}{% endfor %}"
PROMPT = "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
TEMPLATES = {
    "its own prompt": (ROLES + PROMPT, {}),
    "no generation prompt": (ROLES, {}),
    "text as a variable": (
        "{{ '今天是' + date_string }}" + ROLES + PROMPT,
        {"date_string": "2026年11月28日 'x' \\n {{ y }}"},
    ),
    "a switch": (ROLES + "{% if thinking %}{{ '<|system|>' }}{% endif %}" + PROMPT, {"thinking": False}),
    "nothing and a list": (
        "{% if not a and b[1] == 2 %}{{ 'x' }}{% endif %}" + ROLES + PROMPT,
        {"a": None, "b": [1, 2]},
    ),
}
MESSAGES = (Message("user", "最近总是睡不好。"), Message("assistant", "从什么时候开始的？"), Message("user", "上周。"))


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_exported_template_makes_the_same_tokens(name: str, tokenizer: Any) -> None:
    template, variables = TEMPLATES[name]
    ours, theirs = copy.deepcopy(tokenizer), copy.deepcopy(tokenizer)
    ours.chat_template = template
    builder = PromptBuilder(ours, variables, "x")
    theirs.chat_template = portable(template, variables, builder.frame.header)
    chat = [message.chat() for message in MESSAGES]
    found = theirs.apply_chat_template(chat, add_generation_prompt=True, return_dict=True)["input_ids"]
    assert found == builder.prompt(MESSAGES)
    if "date_string" in variables:
        assert "2000" in theirs.apply_chat_template(chat, tokenize=False, date_string="2000"), (
            "a caller may still choose"
        )
