"""An Ollama ``Modelfile``: the run's chat template in Go's template language, every stop token, and the run's decoding.

Ollama cannot run a template in Jinja. What ours writes around each message is found out by letting it render marked
conversations; one that cannot be told so is refused, and so never differs unseen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from os.path import commonprefix
from pathlib import Path
from typing import NamedTuple

from mentalft.data.prompts import PromptBuilder
from mentalft.errors import ModelError
from mentalft.export.folder import LICENCES, write_notes
from mentalft.export.forms import Form, Inspected
from mentalft.export.gguf import (
    EXPORT,
    WEIGHTS,
    Described,
    bounds_of,
    described,
    load_weights,
    make_weights,
    of_asking,
    of_head,
    weights_in,
)
from mentalft.export.llama_cpp import LlamaCppModel, has_binding
from mentalft.export.record import Cause
from mentalft.export.source import Source
from mentalft.files import write_text
from mentalft.generation.decoding import Decoding
from mentalft.records import Message

MODELFILE = "Modelfile"
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
    system = ""
    if turns.system:
        system = (
            f"{{{{ if .System }}}}{_put(turns.system.before)}{{{{ .System }}}}{_put(turns.system.after)}{{{{ else }}}}"
        )
    begin = f"{system}{_put(turns.begin)}{'{{ end }}' if system else ''}"
    head = ""
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


def modelfile(
    turns: Turns, stops: Sequence[str], decoding: Decoding, context: int, system: str | None, licences: Sequence[str]
) -> str:
    """The whole file.

    Args:
        stops: the text of every token that ends an answer.
        context: tokens of the longest prompt and its answer.

    Raises:
        ModelError: a text has three quotation marks in a row, which end a text there.
    """
    lines = [f"FROM ./{WEIGHTS}", f"TEMPLATE {_quoted(go_template(turns))}"]
    lines += [f"SYSTEM {_quoted(system)}"] if system else []
    lines += [f"PARAMETER stop {_quoted(stop)}" for stop in stops]
    lines += [f"PARAMETER {name} {value}" for name, value in _parameters(decoding, context).items()]
    lines += [f"LICENSE {_quoted(licence)}" for licence in licences]
    return "\n".join(lines) + "\n"


def _parameters(decoding: Decoding, context: int) -> dict[str, str | int | float]:
    """Everything stated that Ollama would else fill in by itself."""
    drawn: dict[str, str | int | float] = {"temperature": 0}
    if decoding.do_sample:
        drawn = {"temperature": decoding.temperature, "top_p": decoding.top_p, "top_k": decoding.top_k}
    return {
        **drawn,
        "min_p": 0,
        "repeat_penalty": "1.0",
        "num_predict": decoding.max_new_tokens,
        "num_ctx": context,
    }


def _quoted(text: str) -> str:
    if '"""' in text or text.endswith('"'):
        raise ModelError(f"Modelfile: {text[:60]!r} cannot be written between triple quotation marks; change the text")
    return f'"""{text}"""'


def _turns(source: Source, head: Described) -> Turns:
    turns = turns_of(source.builder)
    return turns.without(source.builder.tokenizer.bos_token or "") if head.adds_bos else turns


def _stops(source: Source) -> list[str]:
    return list(source.builder.tokenizer.convert_ids_to_tokens(source.end_ids))


def _licences(source: Source) -> list[str]:
    files = sorted({path for pattern in LICENCES for path in source.located.folder.glob(pattern)})
    data = source.cfg.data
    ours = f"Tuned from {source.base}, whose licence holds for it, on {data.name} (licence: {data.licence})."
    return [ours, *(path.read_text(encoding="utf-8", errors="replace").strip() for path in files)]


def _make(source: Source, folder: Path, dtype: str) -> None:
    turns_of(source.builder)  # refused before anything is made
    head = described(make_weights(source, folder, dtype))
    cfg = source.cfg
    asked = cfg.eval
    decoding = Decoding(asked.max_new_tokens, asked.do_sample, asked.temperature, asked.top_p, asked.top_k, cfg.seed)
    context = cfg.data.max_length + asked.max_new_tokens
    text = modelfile(
        _turns(source, head), _stops(source), decoding, context, cfg.data.system_message, _licences(source)
    )
    write_text(folder / MODELFILE, text)
    write_notes(source, folder)


def _rendered(source: Source, model: LlamaCppModel, messages: Sequence[Message]) -> str:
    return _turns(source, described(model.path)).render(messages)


def _load(source: Source, folder: Path) -> LlamaCppModel:
    return load_weights(source, folder, _rendered)


def _inspect(source: Source, folder: Path, dtype: str) -> Inspected:  # noqa: ARG001 - any dtype is what was asked
    head = described(weights_in(folder))
    found = [*of_head(source, head), *_of_modelfile(source, head, (folder / MODELFILE).read_text(encoding="utf-8"))]
    if not found and has_binding():
        found += of_asking(source, load_weights(source, folder, _rendered, vocab_only=True))
    return Inspected(tuple(found), head.dtype)


def _of_modelfile(source: Source, head: Described, text: str) -> Iterator[Cause]:
    """What the text of a Modelfile shows."""
    again = EXPORT.replace("gguf", "ollama")
    template = re.search(r'TEMPLATE """(.*?)"""', text, re.DOTALL)
    found = template[1] if template else ""
    begin = source.builder.tokenizer.bos_token
    if begin and head.adds_bos and begin in found.partition("range")[0]:
        yield Cause("BOS doubled", f"TEMPLATE writes {begin}, and llama.cpp puts it before every text", again)
    elif found != go_template(_turns(source, head)):
        yield Cause("template changed", f"TEMPLATE is {found!r}, which is not what mentalft writes for the run", again)
    named = re.findall(r'^PARAMETER\s+stop\s+"*([^"\n]+?)"*\s*$', text, re.MULTILINE)
    if missing := [stop for stop in _stops(source) if stop not in named]:
        lines = " ".join(f'PARAMETER stop "{stop}"' for stop in missing)
        yield Cause("stop token missing", f"the Modelfile does not name {', '.join(missing)}", f"add {lines}")


OLLAMA = Form(_make, _load, _inspect, lambda folder: (folder / MODELFILE).is_file(), bounds_of)
