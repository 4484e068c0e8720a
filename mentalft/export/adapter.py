"""``adapter``: the LoRA adapter itself, for whoever has the base model, with nothing of this machine in it."""

from __future__ import annotations

import shutil
from pathlib import Path

from mentalft.errors import ModelError
from mentalft.export import causes
from mentalft.export.folder import generation_config, write_notes, write_tokenizer
from mentalft.export.forms import Form, Inspected
from mentalft.export.loaded import model_in
from mentalft.export.record import Cause
from mentalft.export.source import Source
from mentalft.export.weights import coarsest
from mentalft.files import read_json, sha256_file, write_json
from mentalft.modeling.adapter import CONFIG, WEIGHTS, check_fits
from mentalft.modeling.base import base_config


def _make(source: Source, folder: Path, _: str) -> None:
    """The adapter's files as they are, but for the name of the base model: its hub id, or what its folder is called."""
    shutil.copyfile(source.adapter / WEIGHTS, folder / WEIGHTS)
    named = {"base_model_name_or_path": source.base, "revision": source.located.revision}
    write_json(folder / CONFIG, {**read_json(source.adapter / CONFIG), **named})
    generation_config(source).save_pretrained(str(folder))
    write_tokenizer(source, folder)
    write_notes(source, folder, merged=False)


def _inspect(source: Source, folder: Path, _: str) -> Inspected:
    from safetensors import safe_open

    found = list(causes.of_asking(source, folder))
    mend = "take the adapter from mentalft-export RUN --to adapter"
    try:
        check_fits(folder, str(folder), base_config(source.located), source.base)
    except ModelError as error:
        found.append(Cause("adapter of other names", str(error), mend))
    else:
        if sha256_file(folder / WEIGHTS) != sha256_file(source.adapter / WEIGHTS):
            found.append(Cause("another adapter", f"{WEIGHTS} is not the one that was evaluated", mend))
    with safe_open(source.adapter / WEIGHTS, "pt") as file:
        dtypes = {str(file.get_tensor(name).dtype).removeprefix("torch.") for name in file.keys()}  # noqa: SIM118
    return Inspected(tuple(found), coarsest(dtypes) or "float32")


ADAPTER = Form(_make, model_in, _inspect, lambda folder: (folder / CONFIG).is_file())
