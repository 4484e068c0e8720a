"""The sentence embedder behind the cosine metric."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mentalft.assets import TINY_EMBEDDER
from mentalft.config import EMBEDDED
from mentalft.errors import ModelError
from mentalft.files import sha256_file


def load_embedder(name: str) -> tuple[str, Callable[[Sequence[str]], NDArray[np.float32]]]:
    """The name for signatures and the function that embeds.

    Args:
        name: a sentence-transformers name or folder, or ``embedded``.

    Raises:
        ModelError: there is none of that name, or the hub cannot be reached.
    """
    from sentence_transformers import SentenceTransformer

    logging.getLogger("sentence_transformers").setLevel(logging.ERROR)
    where = str(TINY_EMBEDDER) if name == EMBEDDED else name
    try:
        model = SentenceTransformer(where, trust_remote_code=False)
    except Exception as error:  # the library raises OSError, ValueError and HTTP errors for a wrong name
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(
            f"eval.embedder={name} cannot be loaded ({first[:160]}); give a sentence-transformers name or folder, "
            "or eval.embedder=embedded, or leave cosine out of eval.metrics"
        ) from error
    return _signature_name(name, model), lambda texts: _embed(model, texts)


def _embed(model: Any, texts: Sequence[str]) -> NDArray[np.float32]:
    vectors = model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True)
    return np.asarray(vectors, dtype=np.float32)


def _signature_name(name: str, model: Any) -> str:
    if name == EMBEDDED:
        weights = next(iter(sorted(Path(TINY_EMBEDDER).rglob("*.safetensors"))), None)
        return f"mentalft-tiny@{sha256_file(weights)[:8]}" if weights else "mentalft-tiny"
    commit = getattr(getattr(model.model_card_data, "base_model_revision", None), "strip", str)()
    return f"{name}@{commit[:8]}" if commit else name
