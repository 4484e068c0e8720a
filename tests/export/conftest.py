"""One small finished run, what was evaluated in it, and a good export of it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from mentalft.cli.main import run
from mentalft.export.forms import forms
from mentalft.export.loaded import evaluated_model
from mentalft.export.proof import Kept, keep
from mentalft.export.source import Source, source_of


class Evaluated(NamedTuple):
    run_dir: Path
    source: Source
    kept: list[Kept]


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    """The embedded model, tuned for four steps, with a module that is saved whole; tests must not change it."""
    run_dir = tmp_path_factory.mktemp("exported") / "run"
    assert not run([
        "experiment=quick", f"run_dir={run_dir}", "stages=[prepare,train,evaluate]", "data.max_dialogues=40",
        "lora.modules_to_save=[norm]", "trainer.max_steps=4", "trainer.eval_steps=4", "trainer.save_steps=4",
        "trainer.learning_rate=0.02", "eval.max_items=5", "eval.max_new_tokens=24", "eval.perplexity=false",
        "tracking=none", f"cache_dir={run_dir.parent / 'cache'}",
    ])  # fmt: skip
    source = source_of(run_dir, "tuned", 4)
    return Evaluated(run_dir, source, keep(evaluated_model(source), source.prompts))


@pytest.fixture(scope="session")
def merged(evaluated: Evaluated, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good export, as ``--to merged`` makes it; tests must not change it."""
    folder = tmp_path_factory.mktemp("merged")
    forms()["merged"].make(evaluated.source, folder, "float32")
    return folder
