"""``gguf``: one file for llama.cpp and what is built on it, made of the merged model and never of quantised weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mentalft.data.prompts import PROBE
from mentalft.errors import ConfigError, ModelError
from mentalft.export import proof
from mentalft.export.folder import write_notes
from mentalft.export.forms import Form, Inspected, NoProofError
from mentalft.export.gguf_writing import TYPES, write_gguf
from mentalft.export.llama_cpp import (
    CONVERTERS,
    INSTALL,
    LlamaCppModel,
    Writer,
    check_quantize,
    convert,
    has_binding,
    program,
    quantize,
)
from mentalft.export.merged import MERGED
from mentalft.export.proof import Kept, Tolerance
from mentalft.export.record import Bounds, Cause
from mentalft.export.source import Source
from mentalft.modeling.base import base_config
from mentalft.records import Message

WEIGHTS = "model.gguf"
NO_PROOF = f"proof: not run; it needs llama.cpp's Python binding ({INSTALL})"
EXPORT = "export again: mentalft-export RUN --to gguf"


def check(_: Source, dtype: str) -> None:
    """Raise ConfigError where a package or a program is missing."""
    if find_spec("gguf") is None:
        raise ConfigError(f"a GGUF needs the gguf package: pip install gguf; for the proof besides, {INSTALL}")
    if dtype not in TYPES:
        check_quantize(dtype)


def make_weights(source: Source, folder: Path, dtype: str) -> Path:
    """Write ``model.gguf`` into ``folder``.

    Args:
        dtype: ``float32``, ``float16``, ``bfloat16``, or a quantisation of llama.cpp such as ``q8_0``.

    Raises:
        ModelError: the merged model is not what base and adapter are, or cannot be written as GGUF.
    """
    path, plain = folder / WEIGHTS, dtype if dtype in TYPES else source.evaluated_in
    with TemporaryDirectory(dir=folder) as made:
        merged, whole = Path(made) / source.contender.name, Path(made) / WEIGHTS
        merged.mkdir()
        MERGED.make(source, merged, plain)
        if wrong := MERGED.inspect(source, merged, plain).causes:
            raise ModelError("\n".join(f"not exported, merging failed: {cause}" for cause in wrong))
        if converter := program(CONVERTERS):
            convert(converter, merged, whole, plain)
        else:
            write_gguf(merged, whole, plain)
        if dtype in TYPES:
            whole.replace(path)
        else:
            quantize(whole, path, dtype)
    return path


def weights_in(folder: Path) -> Path:
    """The one GGUF in ``folder``.

    Raises:
        ModelError: there is none, or there are several.
    """
    found = sorted(folder.glob("*.gguf"))
    if len(found) != 1:
        raise ModelError(f"{folder} holds {len(found)} files *.gguf; give a folder with one")
    return found[0]


def _make(source: Source, folder: Path, dtype: str) -> None:
    make_weights(source, folder, dtype)
    write_notes(source, folder, merged=True)


def _template(source: Source, model: LlamaCppModel, messages: Sequence[Message]) -> str:
    """What the template in the file writes, without the token that llama.cpp puts before every text by itself."""
    tokenizer = source.builder.tokenizer
    text = tokenizer.apply_chat_template(
        [message.chat() for message in messages],
        chat_template=model.metadata.get("tokenizer.chat_template") or "",
        tokenize=False,
        add_generation_prompt=True,
    )
    return str(text).removeprefix(tokenizer.bos_token or "") if model.adds_bos else str(text)


def load_weights(source: Source, folder: Path, write: Writer = _template, *, vocab_only: bool = False) -> LlamaCppModel:
    """The GGUF in ``folder`` as llama.cpp loads it.

    Args:
        write: its template; by default the one that the file holds.

    Raises:
        NoProofError: there is no binding here.
        ModelError: it does not load.
    """
    if not has_binding():
        raise NoProofError(NO_PROOF)
    return LlamaCppModel(source, weights_in(folder), write, vocab_only=vocab_only)


FIELDS = (
    "general.file_type",
    "tokenizer.ggml.model",
    "tokenizer.ggml.pre",
    "tokenizer.ggml.add_bos_token",
    "tokenizer.chat_template",
)
BEGIN_WITH_BOS = ("llama", "llama-bpe", "llama3", "llama-v3", "tekken")
"""Kinds of vocabulary before whose texts llama.cpp puts a beginning-of-sequence token, where the file does not say."""


@dataclass(frozen=True)
class Described:
    """What the head of a GGUF says."""

    fields: dict[str, Any]
    dtype: str
    vocabulary: int
    """Rows of the embedding."""

    @property
    def adds_bos(self) -> bool:
        """Whether llama.cpp puts a beginning-of-sequence token before every text."""
        kinds = {self.fields.get("tokenizer.ggml.model"), self.fields.get("tokenizer.ggml.pre")}
        return bool(self.fields.get("tokenizer.ggml.add_bos_token", not kinds.isdisjoint(BEGIN_WITH_BOS)))


def described(path: Path) -> Described:
    """Read the head of a GGUF."""
    import gguf

    reader = gguf.GGUFReader(path)
    fields = {name: field.contents() for name in FIELDS if (field := reader.get_field(name))}
    kind = gguf.LlamaFileType(fields.get("general.file_type", 0)).name.removeprefix("MOSTLY_").removeprefix("ALL_")
    rows = next((int(t.shape[-1]) for t in reader.tensors if t.name == "token_embd.weight"), 0)
    dtype = next((dtype for dtype, name in TYPES.items() if name == kind), kind.lower())
    return Described(fields, dtype, rows)


def of_head(source: Source, head: Described) -> Iterator[Cause]:
    """What the head of the file shows."""
    rows = base_config(source.located).get_text_config().vocab_size
    if head.vocabulary != rows:
        yield Cause("vocabulary resized", f"the file has {head.vocabulary} tokens, the evaluated model {rows}", EXPORT)
    pre = head.fields.get("tokenizer.ggml.pre", "default")
    if head.fields.get("tokenizer.ggml.model") == "gpt2" and pre == "default":
        yield Cause(
            "tokenizer pre-type unknown",
            "the file does not say how its tokenizer cuts text, and llama.cpp takes a way of its own",
            f"convert with a newer llama.cpp, or {EXPORT}",
        )
    if not head.fields.get("tokenizer.chat_template"):
        yield Cause("template changed", "the file has no chat template", EXPORT)


def of_asking(source: Source, model: LlamaCppModel) -> Iterator[Cause]:
    """What the file's vocabulary, template and end tokens make of the run's prompts."""
    own = source.builder
    if missing := sorted(set(source.end_ids) - set(model.end_ids)):
        names = ", ".join(f"{own.tokenizer.convert_ids_to_tokens(number)} ({number})" for number in missing)
        yield Cause(
            "stop token missing",
            f"llama.cpp does not stop at {names}, as the evaluated answers did",
            f"name it in tokenizer.ggml.eot_token_id, or {EXPORT}",
        )
    asked = (*PROBE, *PROBE[:1])
    ours, theirs = own.text(asked), model.write(source, model, asked)
    begin = own.tokenizer.bos_token or ""
    if theirs != (ours.removeprefix(begin) if model.adds_bos else ours):
        yield Cause("template changed", f"it writes {theirs!r}, the run's {ours!r}", EXPORT)
        return
    if model.adds_bos and not ours.startswith(begin):
        mend = "set tokenizer.ggml.add_bos_token to false (gguf-set-metadata)"
        yield Cause("BOS added", f"the file has {begin} put before every text, and the run had not", mend)
        return
    differ = [p for p in source.prompts if model.prompt_tokens(p.messages) != p.tokens]
    if differ:
        got, wanted = model.prompt_tokens(differ[0].messages), differ[0].tokens
        place = next(i for i, pair in enumerate(zip([*got, -1], [*wanted, -1], strict=False)) if pair[0] != pair[1])
        read = [own.tokenizer.convert_ids_to_tokens(tokens[place : place + 3]) for tokens in (got, wanted)]
        yield Cause(
            "tokenizer changed",
            f"llama.cpp makes other tokens of {len(differ)} of {len(source.prompts)} prompts, first {read[0]} for "
            f"{read[1]} at token {place} of {differ[0].id}",
            "convert with another llama.cpp, or without one: mentalft then writes the file, if it knows the tokenizer",
        )


def _inspect(source: Source, folder: Path, dtype: str) -> Inspected:  # noqa: ARG001 - any dtype is what was asked
    head = described(weights_in(folder))
    found = list(of_head(source, head))
    if not found and has_binding():
        found += of_asking(source, load_weights(source, folder, vocab_only=True))
    return Inspected(tuple(found), head.dtype)


QUANTIZED = Tolerance(3.0, 0.7)
TOLERATED = {**proof.TOLERATED, "float32": Tolerance(0.04, 0.99)}
"""Of 32 bit more than for ``merged``: llama.cpp keeps keys and values in 16 bit. SmolLM2-135M, 416 tokens: 0.004
standard deviations in float32, 0.008 in float16, 0.05 in bfloat16, 0.22 in q8_0, 0.72 in q4_k_m, 3.02 in q2_k, with
100, 99.8, 99.5, 94, 84 and 62 % of the tokens the same."""


def bounds_of(kept: Sequence[Kept], evaluated_in: str, dtype: str) -> Bounds:
    """What is accepted of a GGUF in ``dtype``, which may be a quantisation."""
    tolerated = {dtype: QUANTIZED, **TOLERATED}
    return proof.bounds_of(kept, evaluated_in, dtype, tolerated=tolerated)


GGUF = Form(
    _make,
    load_weights,
    _inspect,
    lambda folder: any(folder.glob("*.gguf")) and not (folder / "Modelfile").is_file(),
    bounds_of,
    check,
)
