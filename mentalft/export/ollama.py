"""``ollama``: a GGUF, and the ``Modelfile`` that tells Ollama the run's chat template, stop tokens and decoding."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from mentalft.errors import ModelError
from mentalft.export.folder import LICENCES, write_notes
from mentalft.export.forms import Form, Inspected
from mentalft.export.gguf import (
    EXPORT,
    WEIGHTS,
    Described,
    bounds_of,
    check,
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
from mentalft.export.turns import Turns, go_template, turns_of
from mentalft.files import write_text
from mentalft.generation.decoding import Decoding
from mentalft.modeling.base import base_config

MODELFILE = "Modelfile"
CONTEXT = 4096
"""Tokens of a conversation that fit at least, where the model reads so many: prompts of a run are often shorter."""


def modelfile(
    turns: Turns, stops: Sequence[str], decoding: Decoding, context: int, system: str | None, licences: Sequence[str]
) -> str:
    """The whole file.

    Args:
        stops: the text of every token that ends an answer.
        context: tokens of the longest conversation; of longer ones Ollama drops the oldest turns.

    Raises:
        ModelError: a text has three quotation marks in a row, which end a text there.
    """
    lines = [f"FROM ./{WEIGHTS}", f"TEMPLATE {_quoted(go_template(turns))}"]
    lines += [f"SYSTEM {_quoted(system)}"] if system else []
    lines += [f'PARAMETER stop "{stop}"' for stop in stops]
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
    if '"""' in f'{text}"':
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


def _check(source: Source, dtype: str) -> None:
    check(source, dtype)
    turns_of(source.builder)


def _make(source: Source, folder: Path, dtype: str) -> None:
    head = described(make_weights(source, folder, dtype))
    cfg = source.cfg
    asked = cfg.eval
    decoding = Decoding(asked.max_new_tokens, asked.do_sample, asked.temperature, asked.top_p, asked.top_k, cfg.seed)
    longest = base_config(source.located).get_text_config().max_position_embeddings
    context = min(longest, max(CONTEXT, cfg.data.max_length + asked.max_new_tokens))
    text = modelfile(
        _turns(source, head), _stops(source), decoding, context, cfg.data.system_message, _licences(source)
    )
    write_text(folder / MODELFILE, text)
    write_notes(source, folder, merged=True)


def _load(source: Source, folder: Path, *, vocab_only: bool = False) -> LlamaCppModel:
    turns = _turns(source, described(weights_in(folder)))
    return load_weights(source, folder, lambda *asked: turns.render(asked[-1]), vocab_only=vocab_only)


def _inspect(source: Source, folder: Path, dtype: str) -> Inspected:  # noqa: ARG001 - any dtype is what was asked
    head = described(weights_in(folder))
    found = [*of_head(source, head), *of_modelfile(source, head, (folder / MODELFILE).read_text(encoding="utf-8"))]
    if not found and has_binding():
        found += of_asking(source, _load(source, folder, vocab_only=True))
    return Inspected(tuple(found), head.dtype)


def of_modelfile(source: Source, head: Described, text: str) -> Iterator[Cause]:
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


OLLAMA = Form(_make, _load, _inspect, lambda folder: (folder / MODELFILE).is_file(), bounds_of, _check)
