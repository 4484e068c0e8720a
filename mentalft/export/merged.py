"""``merged``: base and adapter as one model, which anything that reads ``transformers`` folders can serve."""

from __future__ import annotations

from pathlib import Path

from mentalft.errors import ModelError
from mentalft.export import causes
from mentalft.export.folder import generation_config, write_notes, write_tokenizer
from mentalft.export.forms import Form, Inspected
from mentalft.export.loaded import model_in
from mentalft.export.record import Weights
from mentalft.export.source import Source
from mentalft.export.weights import coarsest, merged_model, share_of, tensors
from mentalft.modeling.adapter import CONFIG
from mentalft.modeling.base import base_config

SHARD = "5GB"


def _make(source: Source, folder: Path, dtype: str) -> None:
    """Merge in 32 bit and round once, to ``dtype``.

    Raises:
        ModelError: the base's own files are quantised.
    """
    import torch

    if getattr(base_config(source.located), "quantization_config", None):
        raise ModelError(
            f"{source.located.folder} holds quantised weights, and what is merged onto those answers worse than what "
            "was evaluated; tune the unquantised model (model.quantization=4bit loads it in 4 bit), or use --to adapter"
        )
    model = merged_model(source).to(getattr(torch, dtype))
    model.config.dtype = dtype
    model.generation_config = generation_config(source)
    model.save_pretrained(str(folder), max_shard_size=SHARD)
    write_tokenizer(source, folder)
    write_notes(source, folder, merged=True)


def _inspect(source: Source, folder: Path, dtype: str) -> Inspected:
    merged = merged_model(source)
    found = list(tensors(source, merged, folder))
    return Inspected(
        (
            *causes.of_asking(source, folder),
            *causes.of_config(folder, merged),
            *causes.of_weights(source, merged, found, dtype),
        ),
        coarsest(one.dtype for one in found) or dtype,
        Weights(len(found), sum(one.is_near for one in found), share_of(found)),
    )


def _holds(folder: Path) -> bool:
    return (folder / "config.json").is_file() and any(folder.glob("*.safetensors")) and not (folder / CONFIG).is_file()


MERGED = Form(_make, model_in, _inspect, _holds)
