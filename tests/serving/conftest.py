"""Small runs of the embedded model to serve, with a template of their own and one more adapter."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import mentalft
from mentalft.assets import TINY_MODEL
from mentalft.runs.api import Run


@pytest.fixture(scope="session")
def served_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Trained for a moment, and evaluated in 32 bit, greedily: base, tuned, and the other adapter."""
    folder = tmp_path_factory.mktemp("served")
    template = folder / "template.jinja"
    own = (TINY_MODEL / "chat_template.jinja").read_text(encoding="utf-8")
    template.write_text("{# of this run #}" + own, encoding="utf-8")
    options = [
        "experiment=quick", "data.max_dialogues=60", f"model.chat_template={template}", "trainer.max_steps=6",
        "trainer.eval_steps=6", "trainer.save_steps=6", "trainer.learning_rate=0.01", "eval.max_items=5",
        "eval.max_new_tokens=40", "eval.metrics=[rougeL]", "eval.bootstrap_resamples=200", "tracking=none",
        f"cache_dir={folder / 'cache'}", "report.html=false", "report.plots=false", f"run_dir={folder / 'run'}",
    ]  # fmt: skip
    trained = mentalft.run([*options, "stages=[prepare,train]"])
    other = stronger(trained.path / "adapter", folder / "other")
    return mentalft.run([*options, f"eval.contenders.other.adapter={other}"])


def stronger(adapter: Path, folder: Path) -> Path:
    """Another adapter, twice as strong."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(adapter, folder)
    path = folder / "adapter_model.safetensors"
    weights = {name: tensor * 2 if "lora_B" in name else tensor for name, tensor in load_file(path).items()}
    save_file(weights, path, metadata={"format": "pt"})
    return folder
