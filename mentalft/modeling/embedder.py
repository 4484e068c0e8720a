"""The sentence embedder behind the cosine metric."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mentalft.assets import TINY_EMBEDDER
from mentalft.config import AUTO, EMBEDDED
from mentalft.config.schema import last_part
from mentalft.errors import ModelError, first_line
from mentalft.files import sha256_file, sha256_json
from mentalft.modeling.locate import MODELSCOPE, hub_snapshot, modelscope_snapshot
from mentalft.modeling.vocabulary import share_vocabulary


class LoadedEmbedder(NamedTuple):
    name: str
    """For signatures: what was loaded, with what tells its versions apart."""
    embed: Callable[[Sequence[str]], NDArray[np.float32]]
    """Texts in, unit vectors out: (texts, dimensions)."""
    is_cut: Callable[[Sequence[str]], list[bool]]
    """Which texts are longer than the embedder reads."""
    unknown: Callable[[Sequence[str]], float]
    """The share of the texts' tokens that stand for what its vocabulary lacks."""


def load_embedder(name: str) -> LoadedEmbedder:
    """The embedder of that name.

    Args:
        name: a sentence-transformers name or folder, ``modelscope://OWNER/NAME[@REVISION]``, or ``embedded``, which is
            what ``auto`` takes as well.

    Raises:
        ModelError: there is none of that name, or the hub cannot be reached.
    """
    from sentence_transformers import SentenceTransformer

    logging.getLogger("sentence_transformers").setLevel(logging.ERROR)
    folder = _folder(name)
    try:
        model = SentenceTransformer(str(folder), trust_remote_code=False)
    except Exception as error:  # the library raises errors of many types for a folder that is no embedder
        raise ModelError(
            f"eval.embedder={name} cannot be loaded ({first_line(error)}); give a sentence-transformers name or "
            "folder, or eval.embedder=embedded, or leave cosine out of eval.metrics"
        ) from error
    share_vocabulary(getattr(model, "tokenizer", None))
    return LoadedEmbedder(
        _signature_name(name, folder),
        lambda texts: _embed(model, texts),
        lambda texts: _is_cut(model, texts),
        lambda texts: _unknown(model, texts),
    )


def _embed(model: Any, texts: Sequence[str]) -> NDArray[np.float32]:
    vectors = model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True)
    return np.asarray(vectors, dtype=np.float32)


def _is_cut(model: Any, texts: Sequence[str]) -> list[bool]:
    most = model.max_seq_length
    if most is None or most == math.inf or not texts:  # an embedder of words has no limit
        return [False] * len(texts)
    rows = model.tokenizer(list(texts), truncation=False, padding=False, verbose=False)["input_ids"]
    return [len(row) > most for row in rows]


def _unknown(model: Any, texts: Sequence[str]) -> float:
    tokenizer = getattr(model.tokenizer, "backend_tokenizer", model.tokenizer)  # an embedder of words has it bare
    name = getattr(model.tokenizer, "unk_token", None) or getattr(getattr(tokenizer, "model", None), "unk_token", None)
    if name is None or not texts:  # a vocabulary of bytes lacks nothing
        return 0.0
    found = [token for row in tokenizer.encode_batch(list(texts), add_special_tokens=False) for token in row.tokens]
    return found.count(name) / max(len(found), 1)


def _folder(name: str) -> Path:
    """Where the embedder's files are; a bare name is one of the sentence-transformers organisation."""
    if name in (EMBEDDED, AUTO):
        return TINY_EMBEDDER
    if name.startswith(MODELSCOPE):
        address, _, revision = name.removeprefix(MODELSCOPE).partition("@")
        return modelscope_snapshot(address, key="eval.embedder", revision=revision or None)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if name.startswith((".", "/", "~")):
        raise ModelError(
            f"eval.embedder={name} does not exist; give a folder, a sentence-transformers name, or embedded"
        )
    return hub_snapshot(name if "/" in name else f"sentence-transformers/{name}", key="eval.embedder")


def _signature_name(name: str, folder: Path) -> str:
    """The name with what tells its versions apart: the commit, or a hash of the weights."""
    if name in (EMBEDDED, AUTO) or name.startswith(MODELSCOPE) or Path(name).expanduser().is_dir():
        weights = sorted(folder.rglob("*.safetensors"))
        digest = sha256_json([sha256_file(w) for w in weights])[:8]
        return f"{'mentalft-tiny' if name in (EMBEDDED, AUTO) else last_part(name).partition('@')[0]}@{digest}"
    return f"{name}@{folder.name[:8]}"
