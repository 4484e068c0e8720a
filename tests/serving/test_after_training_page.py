"""``docs/after-training.md``: what it says to type is run, or at least understood by the command that it is typed to."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

import mentalft
from mentalft.assets import SAMPLE_DIALOGUES, TINY_MODEL
from mentalft.cli import chat, export, publish, runs, serve
from mentalft.modeling.adapter import check_fits
from mentalft.runs.api import Run
from mentalft.runs.files import responses

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "after-training.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = BLOCK.findall(PAGE)
APPS = {one.app.info.name: one.app for one in (chat, export, publish, runs, serve)}
OF_VLLM = {
    "--served-model-name", "--dtype", "--enable-lora", "--max-lora-rank", "--lora-modules", "--chat-template",
    "--generation-config",
}  # fmt: skip
OF_LLAMA_FACTORY = {"model_name_or_path", "infer_backend", "trust_remote_code"}
FAST = [
    "experiment=quick", "data.max_dialogues=40", "trainer.max_steps=2", "trainer.eval_steps=2", "trainer.save_steps=2",
    "eval.max_items=2", "eval.max_new_tokens=4", "eval.metrics=[rougeL]", "eval.perplexity=false",
    "eval.bootstrap_resamples=200", "tracking=none", "report.html=false", "report.plots=false",
]  # fmt: skip


def typed(program: str) -> list[list[str]]:
    """What the page's commands give ``program``."""
    lines = [line for kind, text in BLOCKS if kind == "bash" for line in text.replace("\\\n", " ").splitlines()]
    found = [shlex.split(line.rpartition("| ")[2], comments=True) for line in lines if program in line]
    return [words[1:] for words in found if words and words[0] == program]


def python(word: str) -> str:
    (found,) = [text for kind, text in BLOCKS if kind == "python" and word in text]
    return str(found)


@pytest.fixture(scope="session")
def merged(served_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Base and adapter as one model, with the run's tokenizer."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tmp_path_factory.mktemp("merged")
    base = AutoModelForCausalLM.from_pretrained(str(TINY_MODEL), dtype=torch.float32)
    model = PeftModel.from_pretrained(base, str(served_run.path / "adapter")).merge_and_unload()
    model.generation_config.max_new_tokens = 8
    model.save_pretrained(str(folder))
    AutoTokenizer.from_pretrained(str(served_run.path / "adapter")).save_pretrained(str(folder))
    return folder


@pytest.fixture
def placed(served_run: Run, merged: Path) -> dict[str, str]:
    """What stands for the page's names."""
    other = str(served_run.settings.eval.contenders["other"].adapter)
    return {
        "RUN/exports/merged": str(merged), "OTHER/adapter": other, "BASE": str(TINY_MODEL),
        "RUN/": f"{served_run.path}/", "MORE.json": str(SAMPLE_DIALOGUES), "FILE.json": str(SAMPLE_DIALOGUES),
    }  # fmt: skip


def put(text: str, placed: dict[str, str]) -> str:
    for name, value in placed.items():
        text = text.replace(name, value)
    return text


def test_loaded_as_the_page_says_it_answers_what_was_evaluated(
    served_run: Run, placed: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    answer = responses("tuned").load(served_run.path)[0]
    (item,) = (item for item in served_run.answers if item.id == answer.id)
    code = python('PeftModel.from_pretrained(base, "RUN/adapter").eval()').replace("<|im_end|>", "<|end|>")
    asked = f"messages = {[{'role': turn.role, 'content': turn.content} for turn in item.history]}"
    exec(put(re.sub(r"^messages = .*$", lambda _: asked, code, flags=re.MULTILINE), placed), {})
    assert capsys.readouterr().out.strip() == answer.text


def test_a_merged_model_loads_as_the_page_says(placed: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    exec(put(python("RUN/exports/merged"), placed), {})
    assert capsys.readouterr().out.strip()


def test_adapters_are_combined_and_fit(placed: dict[str, str]) -> None:
    from transformers import AutoConfig

    exec(put(python("add_weighted_adapter"), placed), {})
    check_fits(Path("combined/both"), "combined", AutoConfig.from_pretrained(str(TINY_MODEL)), "tiny")
    (asked,) = [words for words in typed("mentalft") if "eval.contenders.both.adapter=combined/both" in words]
    run = mentalft.run([*FAST, *(put(word, placed) for word in asked), f"cache_dir={Path.cwd()}", "run_dir=run"])
    assert list(run.comparison.contenders) == ["base", "tuned", "both"]


def test_training_goes_on_as_the_page_says(placed: dict[str, str]) -> None:
    commands = [words for words in typed("mentalft") if "data.path=MORE.json" in words]
    assert len(commands) == 2
    for number, words in enumerate(commands):
        options = [*FAST, *(put(word, placed) for word in words), "stages=[prepare,train]", f"cache_dir={Path.cwd()}"]
        run = mentalft.run([*options, f"run_dir=run{number}"])
        assert (run.path / "adapter" / "adapter_model.safetensors").is_file()


@pytest.mark.parametrize("program", APPS)
def test_commands_take_the_options_that_the_page_names(program: str) -> None:
    command = get_command(APPS[program])
    for words in typed(program):
        command.make_context(program, [*words])


def test_other_tools_are_given_options_that_they_have() -> None:
    texts = [text for kind, text in BLOCKS if kind == "bash" and "vllm serve" in text]
    assert {option for text in texts for option in re.findall(r"--[\w-]+", text)} <= OF_VLLM
    (settings,) = [yaml.safe_load(text) for kind, text in BLOCKS if kind == "yaml"]
    assert settings.keys() <= OF_LLAMA_FACTORY


def test_the_chinese_page_has_the_same_sections_and_commands() -> None:
    def code(text: str) -> list[Any]:
        return [(kind, re.sub(r" *#.*", "", block)) for kind, block in BLOCK.findall(text)]

    chinese = (DOCS / "after-training.zh-CN.md").read_text(encoding="utf-8")
    assert code(chinese) == code(PAGE)
