"""A chat template told by role: what it writes around a system message, a question and an answer.

Engines with a template language of their own cannot run one in Jinja. What ours writes around each message is found out
by letting it render marked conversations; one that cannot be told so is refused, and so never differs unseen.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from os.path import commonprefix
from typing import NamedTuple

from mentalft.data.prompts import PromptBuilder
from mentalft.errors import ModelError
from mentalft.records import Message

SYSTEM = Message("system", "⟦0⟧")
ASKED = (
    Message("user", "⟦1⟧"),
    Message("assistant", "⟦2⟧"),
    Message("user", "⟦3⟧"),
    Message("assistant", "⟦4⟧"),
    Message("user", "⟦5⟧"),
)


class Around(NamedTuple):
    """What stands before and after a message of one role."""

    before: str
    after: str


class Turns(NamedTuple):
    """What a chat template writes around what is said."""

    begin: str
    """Before the first turn, where there is no system message; some templates write one of their own then."""
    system: Around | None
    """A system message in a turn of its own; what stands before it takes the place of ``begin``."""
    joined: str | None
    """Between the system message and the first user message, where they share a turn. Neither: it is left out."""
    user: Around
    assistant: Around
    answer: str
    """Before the answer that is asked for."""

    def without(self, bos: str) -> Turns:
        """The same where the engine puts ``bos`` before every text by itself."""
        system = self.system._replace(before=self.system.before.removeprefix(bos)) if self.system else None
        return self._replace(begin=self.begin.removeprefix(bos), system=system)

    def render(self, messages: Sequence[Message]) -> str:
        """The prompt of a history that ends with the user, as the template of :func:`go_template` writes it."""
        system = messages[0].content if messages[0].role == "system" else None
        if system is not None and self.system:
            text, system = self.system.before + system + self.system.after, None
        else:
            text = self.begin
        for message in messages:
            if message.role == "assistant":
                text += self.assistant.before + message.content + self.assistant.after
            elif message.role == "user":
                head = "" if system is None or self.joined is None else system + self.joined
                text, system = text + self.user.before + head + message.content + self.user.after, None
        return text + self.answer


def turns_of(builder: PromptBuilder) -> Turns:
    """The template of ``builder``, told by role.

    Raises:
        ModelError: it writes other things around a message than its role decides.
    """
    first, ask, answered, *again, last = _around(builder, ASKED)
    if again != [ask, answered] or _around(builder, ASKED[:1]) != [first, last]:
        raise _refusal(builder, "earlier turns are written otherwise than later ones")
    _, end, layout = answered.partition(builder.frame.end)
    user_before = layout.lstrip()
    if not end or not first.endswith(user_before):
        raise _refusal(builder, "the first message is written otherwise than later ones")
    assistant_after = answered.removesuffix(user_before)
    user_after = commonprefix([ask, last, assistant_after])  # noqa: RUF071 - of texts
    begin, system, joined = first.removesuffix(user_before), None, None
    try:
        before, between, after = _around(builder, (SYSTEM, *ASKED[:1]))
    except ModelError:  # the template refuses system messages, and so did the run
        pass
    else:
        if between.endswith(user_before):
            system = Around(before, between.removesuffix(user_before))
        elif before == first:
            joined = between
        if after != last or (system is None and joined is None):
            raise _refusal(builder, "a system message changes what is written around others")
    turns = Turns(
        begin,
        system,
        joined,
        Around(user_before, user_after),
        Around(ask.removeprefix(user_after), assistant_after),
        last.removeprefix(user_after),
    )
    _check(builder, turns)
    return turns


def _around(builder: PromptBuilder, messages: Sequence[Message]) -> list[str]:
    """What stands before, between and after the messages."""
    pieces, rest = [], builder.text(messages)
    for message in messages:
        before, _, rest = rest.partition(message.content)
        pieces.append(before)
    return [*pieces, rest]


def _check(builder: PromptBuilder, turns: Turns) -> None:
    """Conversations with and without a system message, of several lengths, come out as the template writes them."""
    said = [m._replace(content=f'{m.content} 一\n\n* two: "3" ✓') for m in ASKED]
    heads = [[], [SYSTEM]] if turns.system or turns.joined else [[]]
    for messages in ([*head, *said[:length]] for head in heads for length in (1, 3, 5)):
        if turns.render(messages) != builder.text(messages):
            raise _refusal(builder, "what it writes around a message depends on more than its role")


def _refusal(builder: PromptBuilder, why: str) -> ModelError:
    return ModelError(
        f"model {builder.name}: its chat template cannot be written as one of Ollama: {why}; export --to gguf, whose "
        "file holds the template itself, and serve it with llama-server --jinja"
    )


def go_template(turns: Turns) -> str:
    """``turns`` for Go's text/template, with the variables that Ollama gives: ``.System`` and ``.Messages``."""
    begin, head = _put(turns.begin), ""
    if turns.system:
        system = f"{_put(turns.system.before)}{{{{ .System }}}}{_put(turns.system.after)}"
        begin = f"{{{{ if .System }}}}{system}{begin and f'{{{{ else }}}}{begin}'}{{{{ end }}}}"
    if turns.joined is not None:
        begin += "{{- $system := .System }}"
        head = f'{{{{ if $system }}}}{{{{ $system }}}}{_put(turns.joined)}{{{{ $system = "" }}}}{{{{ end }}}}'
    return (
        f"{begin}\n"
        "{{- range .Messages }}\n"
        f'{{{{- if eq .Role "user" }}}}{_put(turns.user.before)}{head}{{{{ .Content }}}}{_put(turns.user.after)}\n'
        f'{{{{- else if eq .Role "assistant" }}}}{_put(turns.assistant.before)}{{{{ .Content }}}}'
        f"{_put(turns.assistant.after)}\n"
        "{{- end }}\n"
        f"{{{{- end }}}}{_put(turns.answer)}"
    )


def _put(text: str) -> str:
    """``text`` as it is: a string constant is safe from Go's trimming of white space."""
    return f"{{{{ {json.dumps(text, ensure_ascii=False)} }}}}" if text else ""
