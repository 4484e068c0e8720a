"""A chat template told by role, and as a template in Go, writes what the template itself writes."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import pytest

from mentalft.data.prompts import PromptBuilder
from mentalft.errors import ModelError
from mentalft.export.turns import go_template, turns_of
from mentalft.records import Message
from tests.data import templates
from tests.data.test_prompts import builder_of

SYSTEM = Message("system", "你是一位倾听者。")
TURNS = (
    Message("user", "I can't sleep.\n\n  It's been 3 weeks \"now\"."),
    Message("assistant", "听起来很难。{{ .Content }}"),
    Message("user", "是的 🙂"),
    Message("assistant", "What helps?"),
    Message("user", "- walks\n- music"),
)
CONVERSATIONS = [[*head, *TURNS[:length]] for head in ([], [SYSTEM]) for length in (1, 3, 5)]
CHATML = {"qwen2_5": templates.QWEN2_5, "qwen3": templates.QWEN3_INSTRUCT}
LLAMA3 = {"date_string": "26 Jul 2024"}


def go(template: str, messages: Sequence[Message]) -> str:
    """What Go's text/template writes, of the little that ours are made of, with what Ollama hands over."""
    template = re.sub(r"\s*\{\{-", "{{", template)
    pieces = [piece for piece in re.split(r"(\{\{.*?\}\}(?!\"))", template, flags=re.DOTALL) if piece]
    system = "\n\n".join(m.content for m in messages if m.role == "system")
    variables: dict[str, Any] = {"$system": ""}

    def value(term: str, message: Message | None) -> Any:
        known = {".System": system, **variables}
        if message:
            known |= {".Content": message.content, ".Role": message.role}
        return json.loads(term) if term.startswith('"') else known[term]

    def holds(condition: str, message: Message | None) -> bool:
        if condition.startswith("eq "):
            _, left, right = condition.split(maxsplit=2)
            return bool(value(left, message) == value(right, message))
        return bool(value(condition, message))

    def end_of(start: int) -> int:
        """The place of the ``end`` of the block that begins at ``start``."""
        depth = 0
        for place in range(start, len(pieces)):
            word = pieces[place].strip("{ }").split(" ")[0]
            depth += word in ("if", "range")
            depth -= word == "end"
            if depth == 0:
                return place
        raise AssertionError("no end")

    def branches(start: int, end: int) -> list[tuple[str, int, int]]:
        """(condition, first, last) of an ``if``."""
        found, place = [(pieces[start].strip("{ }").removeprefix("if "), start + 1, end)], start + 1
        while place < end:
            action = pieces[place].strip("{ }")
            if action.split(" ")[0] in ("if", "range"):
                place = end_of(place)
            elif action.startswith("else"):
                found[-1] = (*found[-1][:2], place)
                found.append((action.removeprefix("else").strip().removeprefix("if "), place + 1, end))
            place += 1
        return found

    def run(start: int, end: int, message: Message | None) -> str:
        text, place = "", start
        while place < end:
            action = pieces[place].strip("{ }") if pieces[place].startswith("{{") else None
            if action is None:
                text += pieces[place]
            elif action.startswith("range"):
                last = end_of(place)
                text += "".join(run(place + 1, last, one) for one in messages)
                place = last
            elif action.startswith("if"):
                last = end_of(place)
                for condition, first, stop in branches(place, last):
                    if not condition or holds(condition, message):
                        text += run(first, stop, message)
                        break
                place = last
            elif assigned := re.fullmatch(r"(\$\w+) :?= (.+)", action):
                variables[assigned[1]] = value(assigned[2], message)
            else:
                text += value(action, message)
            place += 1
        return text

    return run(0, len(pieces), None)


@pytest.fixture(
    params=["tiny", "no template", "llama3", *CHATML, "gemma2", "gemma2, system in the user's turn", "mistral"]
)
def builder(request: pytest.FixtureRequest, tokenizer: Any) -> PromptBuilder:
    match request.param:
        case "tiny":
            return builder_of(tokenizer, "tiny", None, {})
        case "no template":
            return builder_of(tokenizer, "chatml_fallback", "", {})
        case "llama3":
            return builder_of(tokenizer, "llama3", templates.LLAMA3, LLAMA3)
        case "gemma2" | "gemma2, system in the user's turn":
            made = gemma(tokenizer)
            made.system_as = "system" if request.param == "gemma2" else "user_prefix"
            return made
        case "mistral":
            return builder_of(tokenizer, "mistral", templates.MISTRAL.replace("loop.last", "loop.index0 < 2"), {})
        case name:
            return builder_of(tokenizer, name, CHATML[name], {})


def gemma(tokenizer: Any) -> PromptBuilder:
    import copy

    own = copy.deepcopy(tokenizer)
    own.add_special_tokens({"additional_special_tokens": ["<start_of_turn>", "<end_of_turn>"]})
    own.chat_template = templates.GEMMA2
    return PromptBuilder(own, {}, "gemma2")


def test_the_go_template_writes_what_the_chat_template_writes(builder: PromptBuilder) -> None:
    turns, checked = turns_of(builder), 0
    for messages in CONVERSATIONS:
        if messages[0] == SYSTEM and not turns.system and turns.joined is None:
            with pytest.raises(ModelError):
                builder.text(messages)
            continue
        assert go(go_template(turns), messages) == turns.render(messages) == builder.text(messages)
        checked += 1
    assert checked == (3 if builder.name == "gemma2" and builder.system_as == "system" else 6)


def test_a_beginning_of_sequence_token_is_left_to_an_engine_that_writes_it(tokenizer: Any) -> None:
    builder = builder_of(tokenizer, "tiny", None, {})
    turns = turns_of(builder).without("<|begin|>")
    for messages in CONVERSATIONS:
        assert "<|begin|>" + turns.render(messages) == builder.text(messages)


@pytest.mark.parametrize("extra", ["loop.index", "'!' if m.content | length > 10", "'!' if loop.last"])
def test_a_template_that_goes_by_more_than_roles_is_refused(extra: str, tokenizer: Any) -> None:
    template = (
        "{% for m in messages %}{{ '<|' + m.role + '|>' }}{{ EXTRA }}{{ m.content + '<|end|>' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
    )
    with pytest.raises(ModelError, match=r"cannot be written as one of Ollama.*--to gguf|not prefix-stable"):
        turns_of(builder_of(tokenizer, "tiny", template.replace("EXTRA", extra), {}))
