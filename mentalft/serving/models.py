"""What a run evaluated, laid out as folders to serve: links to weights; the run's template, end tokens and decoding.

The folders have the form of a Hugging Face cache, for in it transformers' server finds a model by a name without an
address, such as ``tuned``, and lists it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from mentalft.config import Config
from mentalft.data.prompts import PromptBuilder
from mentalft.errors import ConfigError
from mentalft.export.folder import portable
from mentalft.files import read_json, write_json, write_text
from mentalft.generation.contenders import Contender, adapter_in, contenders_of
from mentalft.modeling.adapter import CONFIG, WEIGHTS, check_fits
from mentalft.modeling.base import base_config, load_tokenizer, stated_end_token_ids
from mentalft.modeling.locate import LocatedModel, locate_model

REVISION = "0" * 40
"""A commit, as a Hugging Face cache wants one."""
OF_THE_MODEL = ("config.json", "*.safetensors", "*.safetensors.index.json")
"""What is taken from a model's folder as it is."""


class Served(NamedTuple):
    """One model of the server."""

    name: str
    folder: Path
    base: Path
    """The folder of the model without adapter; ``folder`` itself where there is none."""


def local_contenders(cfg: Config, run_dir: Path, names: Iterable[str] = ()) -> list[Contender]:
    """The contenders of a run whose weights are on this machine, or those of ``names``.

    ``base`` and ``tuned`` are the run's own model and adapter also where a server answered for them.

    Raises:
        ConfigError: a name is none of them.
        DataError: the run has no adapter.
        ModelError: a model is not there.
    """
    cfg = replace(cfg, eval=replace(cfg.eval, engine="transformers"))
    found = contenders_of(cfg, locate_model(cfg.model), lambda: adapter_in(run_dir))
    local = {one.name: one for one in found if one.located}
    if unknown := [name for name in names if name not in local]:
        raise ConfigError(f"--only {unknown[0]}: the models of this run are {', '.join(local) or 'none'}")
    return [one for name, one in local.items() if not names or name in names]


def lay_out(cfg: Config, contenders: Iterable[Contender], root: Path) -> list[Served]:
    """Make a folder below ``root``, a Hugging Face cache, for each contender.

    Raises:
        ModelError: an adapter does not fit, or a template cannot be used.
    """
    plain: dict[LocatedModel, Path] = {}
    served = []
    for one in contenders:
        located = one.located
        assert located is not None  # for the type checker
        if located not in plain:
            plain[located] = root / "plain" / str(len(plain))
            _lay_out_model(cfg, located, plain[located])
        repository = root / f"models--{one.name}"
        write_text(repository / "refs" / "main", REVISION)
        folder = repository / "snapshots" / REVISION
        if one.adapter is None:
            folder.parent.mkdir()
            folder.symlink_to(plain[located], target_is_directory=True)
        else:
            check_fits(one.adapter, one.name, base_config(located), located.name)
            _lay_out_adapter(one.adapter, plain[located], folder)
        served.append(Served(one.name, folder, plain[located]))
    return served


def _lay_out_model(cfg: Config, located: LocatedModel, folder: Path) -> None:
    from transformers import GenerationConfig

    folder.mkdir(parents=True)
    tokenizer = load_tokenizer(cfg.model, located)
    builder = PromptBuilder.of(cfg, tokenizer, located.name)
    tokenizer.chat_template = portable(tokenizer.chat_template, builder.template_kwargs, builder.frame.header)
    tokenizer.save_pretrained(str(folder))
    e = cfg.eval
    drawn = {"temperature": e.temperature, "top_p": e.top_p, "top_k": e.top_k} if e.do_sample else {}
    GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=stated_end_token_ids(located, builder),
        pad_token_id=tokenizer.pad_token_id,
        do_sample=e.do_sample,
        **drawn,
    ).save_pretrained(str(folder))
    _link((path for pattern in OF_THE_MODEL for path in located.folder.glob(pattern)), folder)


def _lay_out_adapter(adapter: Path, plain: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    _link([adapter / WEIGHTS, *(path for path in plain.iterdir() if ".safetensors" not in path.name)], folder)
    described = read_json(adapter / CONFIG)
    write_json(folder / CONFIG, {**described, "base_model_name_or_path": str(plain), "revision": None})


def _link(paths: Iterable[Path], folder: Path) -> None:
    for path in paths:
        (folder / path.name).symlink_to(os.path.realpath(path))
