"""A folder that is not what was evaluated is not passed, and the message says which of the known causes it is."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from mentalft.assets import TINY_MODEL
from mentalft.export.folder import generation_config
from mentalft.export.making import proven
from mentalft.export.record import Export
from mentalft.files import read_json, write_json
from tests.export.conftest import TEMPLATE, Evaluated

WEIGHTS = "model.safetensors"
BASE = TINY_MODEL / WEIGHTS
Damage = Callable[[Path], None]


def settings(name: str, **values: Any) -> Damage:
    """Give a JSON file other values; None takes the key away."""

    def damage(folder: Path) -> None:
        kept = {**read_json(folder / name), **values}
        write_json(folder / name, {key: value for key, value in kept.items() if value is not None})

    return damage


def tensors(change: Callable[[dict[str, torch.Tensor]], Iterable[tuple[str, torch.Tensor]]]) -> Damage:
    """Replace tensors, by what ``change`` makes of all of them."""

    def damage(folder: Path) -> None:
        found = load_file(folder / WEIGHTS)
        save_file({**found, **dict(change(found))}, folder / WEIGHTS, metadata={"format": "pt"})

    return damage


def of_base(*ends: str) -> Damage:
    """Put the base's tensors in place of those with such names; all of them without."""
    base = {name: tensor.float() for name, tensor in load_file(BASE).items()}
    return tensors(lambda _: ((name, tensor) for name, tensor in base.items() if name.endswith(ends or "")))


def after(*damages: Damage) -> Damage:
    def damage(folder: Path) -> None:
        for one in damages:
            one(folder)

    return damage


def twice(folder: Path) -> None:
    base = load_file(BASE)
    tensors(lambda w: ((name, 2 * tensor - base[name].float()) for name, tensor in w.items()))(folder)


def other_head(folder: Path) -> None:
    tensors(lambda w: [("lm_head.weight", w["model.embed_tokens.weight"] + 0.01)])(folder)


def saved_as(dtype: torch.dtype, *, resized: int = 0) -> Damage:
    """Load and save again, as scripts do."""

    def damage(folder: Path) -> None:
        model = AutoModelForCausalLM.from_pretrained(str(folder), dtype=dtype)
        if resized:
            model.resize_token_embeddings(model.config.vocab_size + resized)
        model.save_pretrained(str(folder))

    return damage


def through(dtype: torch.dtype) -> Damage:
    return tensors(lambda w: ((name, tensor.to(dtype).float()) for name, tensor in w.items()))


def template(text: str) -> Damage:
    return lambda folder: (folder / "chat_template.jinja").write_text(text, encoding="utf-8") and None


def quantised(levels: int) -> Damage:
    """What is left of matrices after rounding to ``2 × levels + 1`` values a row."""

    def rounded(w: torch.Tensor) -> torch.Tensor:
        step = w.abs().amax(dim=1, keepdim=True) / levels
        return (w / step).round() * step

    return tensors(lambda w: ((n, rounded(t)) for n, t in w.items() if t.dim() == 2 and "embed" not in n))


CHATML = "{% for m in messages %}<|user|>{{ m.content }}<|end|>{% endfor %}<|assistant|>"
KNOWN: dict[str, tuple[Damage, str, str]] = {
    "template": (template(CHATML), "template changed", "the run's"),
    "template without its variable": (template(TEMPLATE + "{{ '<|assistant|>' }}"), "template changed", "你好"),
    "no template": (lambda folder: (folder / "chat_template.jinja").unlink(), "template changed", "no chat template"),
    "saved in bfloat16": (saved_as(torch.bfloat16), "dtype lowered", "--dtype bfloat16"),
    "saved in float16": (saved_as(torch.float16), "dtype lowered", "--dtype float16"),
    "rounded, stored as float32": (through(torch.bfloat16), "dtype lowered", "whatever they are stored as"),
    "head of its own": (
        after(settings("config.json", tie_word_embeddings=False), other_head),
        "head untied",
        "lm_head",
    ),
    "head in the file alone": (other_head, "head untied", "lm_head"),
    "head missing": (settings("config.json", tie_word_embeddings=False), "head untied", "is missing"),
    "saved module": (of_base("model.norm.weight"), "modules_to_save left out", "model.norm.weight"),
    "no adapter": (of_base(), "adapter of other names", "loaded as nothing"),
    "half an adapter": (of_base("q_proj.weight"), "adapter left out in part", "q_proj"),
    "no end token": (settings("generation_config.json", eos_token_id=None), "stop token missing", "[2]"),
    "another end token": (settings("generation_config.json", eos_token_id=1), "stop token missing", "<|end|>"),
    "larger vocabulary": (saved_as(torch.float32, resized=8), "vocabulary resized", "3160"),
    "smaller vocabulary": (saved_as(torch.float32, resized=-8), "vocabulary resized", "3144"),
    "onto 8 bit": (quantised(127), "merged onto quantised weights", "no quantisation touches"),
    "onto 4 bit": (quantised(7), "merged onto quantised weights", "no quantisation touches"),
    "adapter twice": (twice, "adapter scaled otherwise", "2.00 times"),
    "another base": (tensors(lambda w: ((n, t * 1.1) for n, t in w.items())), "another base", "differ"),
}


def look_at(evaluated: Evaluated, folder: Path, dtype: str = "float32") -> Export:
    return proven(evaluated.source, evaluated.kept, folder, "merged", dtype)


@pytest.mark.parametrize("damage", KNOWN)
def test_the_cause_is_named(damage: str, evaluated: Evaluated, merged: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(merged, tmp_path / "merged")
    make, name, found = KNOWN[damage]
    make(folder)
    export = look_at(evaluated, folder)
    assert not export.passed
    assert [cause.name for cause in export.causes] == [name]
    assert found in str(export.causes[0])


def test_drawn_answers_are_not_compared(evaluated: Evaluated, merged: Path) -> None:
    cfg = evaluated.source.cfg
    source = replace(evaluated.source, cfg=replace(cfg, eval=replace(cfg.eval, do_sample=True)))
    export = proven(source, evaluated.kept, merged, "merged", "float32")
    assert export.passed
    assert export.proof
    assert (export.proof.answers_equal, export.proof.answers_equal_to_evaluated) == (3, None)
    assert generation_config(source).do_sample
