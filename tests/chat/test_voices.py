"""Who can be talked to, and what is said where somebody cannot."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from mentalft.chat.voices import Voice, here, load_voices, talkers
from mentalft.config.contenders import ContenderConfig
from mentalft.errors import ConfigError, DataError, ModelError
from mentalft.runs.api import load_run


def test_contenders_of_one_base_share_one_model(voices: list[Voice]) -> None:
    base, tuned = voices
    assert base.engine is tuned.engine
    assert tuned.model.startswith(base.model)


def test_those_that_are_not_loaded_here_are_left_out(chat_run: Path) -> None:
    cfg = load_run(chat_run).settings
    assert talkers(cfg) == ["base", "tuned"]
    assert talkers(cfg, ["tuned"]) == ["tuned"]
    with pytest.raises(ConfigError, match=r"theirs is asked at a server or is a file; .* base, tuned"):
        talkers(cfg, ["theirs"])
    with pytest.raises(ConfigError, match="nobody is no contender of this run"):
        talkers(cfg, ["nobody"])
    cfg.eval.contenders = {"theirs": ContenderConfig(answers="x")}
    with pytest.raises(ConfigError, match="no contender of this run is a model"):
        talkers(cfg)


def test_a_run_without_an_adapter_names_the_way_out(chat_run: Path, tmp_path: Path) -> None:
    cfg = load_run(chat_run).settings
    with pytest.raises(DataError, match=r"holds no adapter.*--only base"):
        load_voices(cfg, tmp_path, ["base", "tuned"])
    assert [voice.name for voice in load_voices(cfg, tmp_path, ["base"])] == ["base"]


def test_a_base_that_is_gone_is_one_message(chat_run: Path, tmp_path: Path) -> None:
    cfg = load_run(chat_run).settings
    cfg.model.name_or_path = str(tmp_path / "gone")
    with pytest.raises(ModelError, match=r"run: model.name_or_path=.*gone does not exist"):
        load_voices(cfg, chat_run, ["tuned"])


def test_an_adapter_that_is_no_adapter_is_one_message(chat_run: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(chat_run / "adapter", tmp_path / "adapter")
    (broken / "adapter_model.safetensors").write_text("cut")
    with pytest.raises(ModelError, match="not a whole safetensors file"):
        load_voices(load_run(chat_run).settings, tmp_path, ["tuned"])


def test_a_precision_that_is_not_to_be_had_here_becomes_the_best_there_is(chat_run: Path) -> None:
    import torch

    cfg = load_run(chat_run).settings
    assert here(cfg) is cfg
    if not torch.cuda.is_available():
        half = replace(cfg, trainer=replace(cfg.trainer, precision="fp16"))
        assert here(half).trainer.precision == "auto"
