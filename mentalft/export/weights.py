"""The tensors of a merged folder, held against those of the base and against base and adapter merged in 32 bit.

One tensor at a time is read of the folders; only the merged model is in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from mentalft.export.source import Source
from mentalft.modeling.adapter import load_adapter

BITS = {"float64": 53, "float32": 24, "float16": 11, "bfloat16": 8}
"""Of the significand, the hidden one counted; formats that are not here are quantisations."""


class Tensor(NamedTuple):
    """One tensor of a merged folder."""

    name: str
    dtype: str | None
    """As it lies in the files; None where it is in none."""
    has_shape: bool
    """It has the shape that it should have."""
    error: float
    """Its distance from what it should be, by the norm of what it should be."""
    from_base: float
    """Its distance from the base's, likewise."""
    change: float
    """The squared norm of what the adapter changes in it; 0 where it changes nothing."""
    share: float
    """How much of that change is in it: the projection on it, 1 where all is."""
    possible: float
    """The share that is left after rounding to ``dtype``."""


def merged_model(source: Source) -> Any:
    """Base and adapter merged, in 32 bit on the CPU: 4 bytes a parameter.

    Input and output embeddings that the base shares are one tensor afterwards only if the adapter left them equal:
    peft changes both where it should change one.
    """
    import torch

    model = source.base_model("float32", "cpu")
    tied = model.get_output_embeddings().weight is model.get_input_embeddings().weight
    if tied:
        head = model.get_output_embeddings()
        head.weight = torch.nn.Parameter(head.weight.detach().clone(), requires_grad=False)
    merged = load_adapter(model, source.adapter).merge_and_unload(safe_merge=True)
    if tied:
        inner, outer = merged.get_input_embeddings(), merged.get_output_embeddings()
        merged.config.tie_word_embeddings = torch.equal(inner.weight, outer.weight)
        if merged.config.tie_word_embeddings:
            outer.weight = inner.weight
    return merged


class Folder:
    """The safetensors of a folder."""

    def __init__(self, path: Path, stack: ExitStack) -> None:
        from safetensors import safe_open

        files = [stack.enter_context(safe_open(file, "pt")) for file in sorted(path.glob("*.safetensors"))]
        self.files = {name: file for file in files for name in file.keys()}  # noqa: SIM118 - not a mapping

    def get(self, name: str) -> Any | None:
        """The tensor, in the dtype of the file; None where there is none."""
        return self.files[name].get_tensor(name) if name in self.files else None


def tensors(source: Source, merged: Any, folder: Path, *, tied: bool) -> Iterator[Tensor]:
    """Every tensor that ``folder`` should have.

    Args:
        merged: of :func:`merged_model`.
        tied: the folder's configuration says that the output embeddings are the input embeddings.
    """
    input_name, output_name = embedding_names(merged)
    with ExitStack() as stack:
        base, found = Folder(source.located.folder, stack), Folder(folder, stack)
        for name, wanted in merged.state_dict().items():
            shared = input_name if name == output_name else name
            there = found.get(shared if tied else name)
            yield _compared(name, wanted, there, base.get(name) if name in base.files else base.get(shared))


def embedding_names(model: Any) -> tuple[str, str]:
    """What the tensors of input and output embeddings are called."""
    names = {id(module): name for name, module in model.named_modules()}
    inner, outer = (names[id(of)] for of in (model.get_input_embeddings(), model.get_output_embeddings()))
    return f"{inner}.weight", f"{outer}.weight"


def _compared(name: str, wanted: Any, there: Any | None, base: Any | None) -> Tensor:
    import torch

    if there is None or there.shape != wanted.shape:
        dtype = None if there is None else str(there.dtype).removeprefix("torch.")
        return Tensor(name, dtype, False, 1.0, 1.0, 0.0, 0.0, 0.0)
    base = wanted if base is None else base.float()
    change = wanted - base
    norm = max(_dot(wanted, wanted) ** 0.5, torch.finfo(torch.float32).tiny)
    found, rounded = there.float(), wanted.to(there.dtype).float()
    squared = _dot(change, change)
    return Tensor(
        name,
        str(there.dtype).removeprefix("torch."),
        True,
        _dot(found - wanted, found - wanted) ** 0.5 / norm,
        _dot(found - base, found - base) ** 0.5 / norm,
        squared,
        _dot(found - base, change) / squared if squared else 0.0,
        _dot(rounded - base, change) / squared if squared else 0.0,
    )


def _dot(a: Any, b: Any) -> float:
    import torch

    return float((a * b).sum(dtype=torch.float64))
