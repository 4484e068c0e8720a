"""llama.cpp: its programs where the user has them, and its Python binding, which is asked for the proof."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import weakref
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from mentalft.errors import LONGEST, ConfigError, ModelError, first_line
from mentalft.export.gguf_writing import TYPES
from mentalft.export.source import Source
from mentalft.records import Message, Prompt

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger("mentalft")
INSTALL = "pip install 'mentalft[gguf]'"
CONVERTERS = ("convert_hf_to_gguf.py", "llama-convert-hf-to-gguf")
FOLDER = "LLAMA_CPP"
"""The environment variable that names a clone of llama.cpp."""
QUANTIZERS = ("llama-quantize", "build/bin/llama-quantize")


def has_binding() -> bool:
    """Whether ``llama-cpp-python`` is installed."""
    return find_spec("llama_cpp") is not None


def program(names: Sequence[str]) -> Path | None:
    """A program of llama.cpp, in the folder ``$LLAMA_CPP`` (which ``--llama-cpp`` sets) or on the ``PATH``."""
    folder = Path(os.environ.get(FOLDER) or os.devnull).expanduser()
    inside = (folder / name for name in names)
    on_path = (Path(found) for name in names if (found := shutil.which(Path(name).name)))
    return next((path for path in inside if path.is_file()), None) or next(on_path, None)


def convert(converter: Path, folder: Path, path: Path, dtype: str) -> None:
    """Write the model in ``folder`` as GGUF with llama.cpp's converter.

    Raises:
        ConfigError: it lacks a package.
        ModelError: it refuses the model.
    """
    _run(converter, [str(folder), "--outfile", str(path), "--outtype", TYPES[dtype].lower()])


def check_quantize(kind: str) -> None:
    """Raise ConfigError where there is no such quantisation, or nothing here that could make it."""
    import gguf

    known = [t.name.removeprefix("MOSTLY_").lower() for t in gguf.LlamaFileType if "Q" in t.name]
    if kind not in known:
        raise ConfigError(f"--quantize {kind} is no kind that llama.cpp knows; it has {', '.join(known)}")
    if not program(QUANTIZERS) and not has_binding():
        raise ConfigError(f"--quantize {kind} needs llama-quantize (--llama-cpp DIR, built), or {INSTALL}")


def quantize(path: Path, to: Path, kind: str) -> None:
    """Write the GGUF at ``path`` again with its matrices in ``kind``, such as ``q8_0`` or ``q4_k_m``.

    Raises:
        ModelError: llama.cpp refuses the model.
    """
    if quantizer := program(QUANTIZERS):
        _run(quantizer, [str(path), str(to), kind.upper()])
        return
    import ctypes

    import gguf
    import llama_cpp

    logging.getLogger("llama-cpp-python").setLevel(logging.CRITICAL)  # else every tensor is told
    asked = llama_cpp.llama_model_quantize_default_params()
    asked.ftype = gguf.LlamaFileType[f"MOSTLY_{kind.upper()}"].value
    failed = llama_cpp.llama_model_quantize(os.fsencode(path), os.fsencode(to), ctypes.byref(asked))
    if failed:
        raise ModelError(f"llama.cpp cannot quantise this model to {kind}; try q8_0, or leave --quantize out")


def _run(called: Path, arguments: list[str]) -> None:
    command = [sys.executable, str(called)] if called.suffix == ".py" else [str(called)]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, errors="replace", check=False)
    if done.returncode == 0:
        return
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    log.error("%s:\n%s", called, "\n".join(lines))
    last = lines[-1][:LONGEST] if lines else f"exit code {done.returncode}"
    if any("pre-tokenizer was not recognized" in line for line in lines):
        last = f"tokenizer pre-type unknown: it does not know how this model's tokenizer cuts text; {last}"
    if "ModuleNotFoundError" in last:
        raise ConfigError(f"{called} needs packages of its own ({last}): pip install -r requirements.txt in its folder")
    raise ModelError(f"{called} refuses this model ({last}); take a newer llama.cpp, or do without it")


class LlamaCppModel:
    """A GGUF in llama.cpp, as anybody loads it; it is a :class:`mentalft.export.proof.Loaded`.

    Args:
        write: the text of a history up to where the answer begins, by the export's own template.
        vocab_only: leave the weights out; it then makes tokens, and answers nothing.

    Raises:
        ModelError: llama.cpp does not load it.
    """

    def __init__(
        self,
        source: Source,
        path: Path,
        write: Writer,
        *,
        vocab_only: bool = False,
    ) -> None:
        import llama_cpp

        self.source, self.path, self.write, self.library = source, path, write, llama_cpp
        context = max(len(prompt.tokens) for prompt in source.prompts) + source.decoding.max_new_tokens
        layers = -1 if llama_cpp.llama_supports_gpu_offload() else 0
        sizes = {"n_ctx": context, "n_gpu_layers": layers}
        try:
            with redirect_stderr(StringIO()):  # it warns of much there that is meant
                self.model = llama_cpp.Llama(str(path), vocab_only=vocab_only, verbose=False, **sizes)
        except ValueError as error:
            raise ModelError(f"{path}: llama.cpp does not load it ({first_line(error)})") from error
        weakref.finalize(self, self.model.close)  # its own end, at that of Python, fails
        self.device = f"llama.cpp {llama_cpp.__version__}, {'gpu' if layers else 'cpu'}"
        self.vocabulary = llama_cpp.llama_model_get_vocab(self.model.model)
        size = llama_cpp.llama_vocab_n_tokens(self.vocabulary)
        self.end_ids = [n for n in range(size) if llama_cpp.llama_vocab_is_eog(self.vocabulary, n)]

    @property
    def metadata(self) -> dict[str, str]:
        """What the head of the file says."""
        return dict(self.model.metadata)

    @property
    def adds_bos(self) -> bool:
        """Whether a beginning-of-sequence token is put before every text."""
        return bool(self.library.llama_vocab_get_add_bos(self.vocabulary))

    def prompt_tokens(self, messages: Sequence[Message]) -> list[int]:
        return list(self.model.tokenize(self.write(self.source, self, messages).encode(), add_bos=True, special=True))

    def answers(self, prompts: Sequence[Prompt]) -> dict[str, list[int]]:
        return {prompt.id: self._answer(prompt.tokens) for prompt in prompts}

    def _answer(self, prompt: list[int]) -> list[int]:
        said = [int(self._read(prompt, anew=True).argmax())]
        while said[-1] not in self.end_ids and len(said) < self.source.decoding.max_new_tokens:
            said.append(int(self._read(said[-1:]).argmax()))
        return said

    def logits(self, prompt: list[int], answer: list[int]) -> NDArray[np.float32]:
        import numpy as np

        return np.stack([self._read(prompt, anew=True), *(self._read([token]) for token in answer[:-1])])

    def _read(self, tokens: list[int], *, anew: bool = False) -> NDArray[np.float32]:
        """The logits after ``tokens`` and those that were read since the last ``anew``: (vocabulary,)."""
        import numpy as np

        if anew:
            self.model.reset()
        self.model.eval(tokens)
        found = self.library.llama_get_logits_ith(self.model.ctx, -1)
        return np.ctypeslib.as_array(found, (self.model.n_vocab(),)).copy()


Writer = Callable[[Source, LlamaCppModel, Sequence[Message]], str]
"""A template: the text of a history, up to where the answer begins."""
