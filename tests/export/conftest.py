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

TEMPLATE = "{{ note }}{% for m in messages %}{{ '<|' + m.role + '|>' + m.content + '<|end|>' }}{% endfor %}"


class Evaluated(NamedTuple):
    run_dir: Path
    source: Source
    kept: list[Kept]


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    """The embedded model, tuned for four steps, with a module that is saved whole and a template that has a variable and
    no generation prompt; tests must not change it."""
    run_dir = tmp_path_factory.mktemp("exported") / "run"
    template = run_dir.with_name("template.jinja")
    template.write_text(TEMPLATE, encoding="utf-8")
    assert not run([
        "experiment=quick", f"run_dir={run_dir}", "stages=[prepare,train,evaluate]", "data.max_dialogues=40",
        f"model.chat_template={template}", 'model.chat_template_kwargs={note: "你好"}', "lora.modules_to_save=[norm]", "trainer.max_steps=4", "trainer.eval_steps=4", "trainer.save_steps=4",
        "trainer.learning_rate=0.02", "eval.max_items=4", "eval.max_new_tokens=12", "eval.perplexity=false",
        "tracking=none", f"cache_dir={run_dir.parent / 'cache'}",
    ])  # fmt: skip
    source = source_of(run_dir, "tuned", 3)
    return Evaluated(run_dir, source, keep(evaluated_model(source), source.prompts))


@pytest.fixture(scope="session")
def merged(evaluated: Evaluated, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good export, as ``--to merged`` makes it; tests must not change it."""
    folder = tmp_path_factory.mktemp("merged")
    forms()["merged"].make(evaluated.source, folder, "float32")
    return folder


@pytest.fixture(scope="session")
def ollama(evaluated: Evaluated, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``--to ollama``, which holds what ``--to gguf`` makes; tests must not change it."""
    folder = tmp_path_factory.mktemp("ollama")
    forms()["ollama"].make(evaluated.source, folder, "float32")
    return folder
