"""The tensors of a merged folder, held against those of the base and against base and adapter merged in 32 bit.

One tensor at a time is read of the folders; only the merged model is in memory.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from mentalft.export.loaded import config_in
from mentalft.export.source import Source
from mentalft.modeling.adapter import load_adapter

BITS = {"float64": 53, "float32": 24, "float16": 11, "bfloat16": 8}
"""Of the significand, the hidden one counted; formats that are not here are quantisations."""
NEAR = {name: max(2.0**-bits, 1e-5) for name, bits in BITS.items()}
"""The largest distance of a tensor from what it should be, by the norm of that. Rounding to the nearest makes about 0.4
of it; so there is room for a merge that rounds more than once."""


class Tensor(NamedTuple):
    """One tensor of a merged folder."""

    name: str
    dtype: str | None
    """As it lies in the files; None where it is in none."""
    has_shape: bool
    """It is there, in the shape that it should have."""
    is_matrix: bool
    """It is a matrix other than the embeddings, as quantisation takes them."""
    error: float
    """Its distance from what it should be, by the norm of what it should be."""
    off_line: float
    """Its distance from the line through the base's and what it should be, by the same norm: without any, the tensor is
    the base's with ``share`` of the adapter's change."""
    change: float
    """The squared norm of what the adapter changes in it; 0 where it changes nothing."""
    share: float
    """How much of that change is in it: the projection on it, 1 where all is."""
    possible: float
    """The share that is left after rounding to ``dtype``."""

    @property
    def is_near(self) -> bool:
        """Whether it is what it should be, up to rounding."""
        return self.error <= NEAR.get(str(self.dtype), 0.0)

    @property
    def is_of_base(self) -> bool:
        """Whether it is the base's with some share of the adapter's change, up to rounding."""
        return self.off_line <= NEAR.get(str(self.dtype), 0.0)


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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peft says that the two are no longer one
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


def tensors(source: Source, merged: Any, folder: Path) -> Iterator[Tensor]:
    """Every tensor that ``folder`` should have, as transformers takes it from there.

    Those of which transformers changes the names when it loads them are left out: files of the base lack them too.

    Args:
        merged: of :func:`merged_model`.
    """
    embeddings, head = embedding_names(merged)
    tied = getattr(config_in(folder), "tie_word_embeddings", False)
    with ExitStack() as stack:
        base, found = Folder(source.located.folder, stack), Folder(folder, stack)
        for name, wanted in merged.state_dict().items():
            there, before = found.get(name), base.get(name)
            if name == head:
                there = found.get(embeddings) if there is None and tied else there
                before = base.get(embeddings) if before is None else before
            elif there is None and before is None:
                continue
            yield _compared(name, wanted, there, before, name not in (embeddings, head))


def coarsest(dtypes: Iterable[str | None]) -> str | None:
    """The dtype of least precision; None is that of a tensor which is not there."""
    return min(filter(None, dtypes), key=lambda name: BITS.get(name, 0), default=None)


def share_of(found: Sequence[Tensor], *, possible: bool = False) -> float:
    """How much of the adapter's whole change is in the tensors, or would be after rounding; 1 where it has none."""
    whole = sum(one.change for one in found)
    return sum(one.change * (one.possible if possible else one.share) for one in found) / whole if whole else 1.0


def embedding_names(model: Any) -> tuple[str, str]:
    """What the tensors of input and output embeddings are called."""
    names = {id(module): name for name, module in model.named_modules()}
    inner, outer = (names[id(of)] for of in (model.get_input_embeddings(), model.get_output_embeddings()))
    return f"{inner}.weight", f"{outer}.weight"


def _compared(name: str, wanted: Any, there: Any | None, base: Any | None, inside: bool) -> Tensor:
    import torch

    dtype = None if there is None else str(there.dtype).removeprefix("torch.")
    is_matrix = inside and wanted.dim() > 1
    if there is None or there.shape != wanted.shape:
        return Tensor(name, dtype, False, is_matrix, error=1.0, off_line=1.0, change=0.0, share=0.0, possible=0.0)
    before = wanted if base is None else base.float()
    change, found, rounded = wanted - before, there.float(), wanted.to(there.dtype).float()
    squared = _dot(change, change)
    share, possible = (_dot(one - before, change) / squared if squared else 0.0 for one in (found, rounded))
    norm = max(_norm(wanted), torch.finfo(torch.float32).tiny)
    error, off_line = (_norm(found - before - part * change) / norm for part in (1.0, share))
    return Tensor(name, dtype, True, is_matrix, error, off_line, squared, share, possible)


def _dot(a: Any, b: Any) -> float:
    import torch

    return float((a * b).sum(dtype=torch.float64))


def _norm(a: Any) -> float:
    return float(_dot(a, a) ** 0.5)
