"""What cannot work is said before anything runs or is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from mentalft.config import Config
from mentalft.errors import UserError
from mentalft.experiment import located
from mentalft.generation.contenders import loads_model
from mentalft.modeling.locate import LocatedModel
from mentalft.stages import STAGES
from tests.test_conf import composed


def check_inputs(cfg: Config) -> LocatedModel | None:
    """As an experiment does before anything runs."""
    stages = [stage for stage in STAGES if stage.is_wanted(cfg)]
    for stage in stages:
        stage.check(cfg)
    return located(cfg, stages)


SERVER = ["eval=openai", "eval.openai.base_url=http://x", "eval.openai.base_model=a", "eval.openai.tuned_model=b"]


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["lora.adapter=/nope"], "lora.adapter=/nope has no adapter_config.json; give a folder"),
        (["stages=[preflight]", "lora.adapter=/nope"], "lora.adapter=/nope has no"),
        (["eval.adapter=/nope"], "eval.adapter=/nope has no adapter_config.json; give a folder"),
        (["data=local", "data.path=/nope.json"], "data.path=/nope.json does not exist"),
        (["model.name_or_path=/nope"], "/nope"),
        (["eval.items=file", "eval.questions=/nope.csv"], "eval.questions=/nope.csv does not exist"),
        (["eval.extra_metrics=[/nope.py]"], "eval.extra_metrics: /nope.py does not exist"),
        (["eval.embedder=/nope"], "eval.embedder=/nope"),
        ([*SERVER, "eval.openai.api_key_env=NO_SUCH_KEY"], "eval.openai.api_key_env=NO_SUCH_KEY: there is no such"),
    ],
)
def test_what_a_stage_will_need_is_looked_at_first(overrides: list[str], words: str) -> None:
    if "eval=openai" in overrides:
        pytest.importorskip("openai", reason="pip install 'mentalft[openai]'")
    with pytest.raises(UserError, match=words.replace(".", r"\.")):
        check_inputs(composed(*overrides))


def test_what_no_stage_needs_is_not_looked_at(tmp_path: Path) -> None:
    needs_none = ["stages=[prepare]", "lora.adapter=/nope", "eval.adapter=/nope", "model.name_or_path=/nope"]
    assert check_inputs(composed(*needs_none)) is None
    server = composed(*SERVER, "eval.adapter=/nope", "stages=[evaluate]")
    assert not loads_model(server)
    assert check_inputs(server) is None


def test_a_server_that_does_not_ask_the_trained_adapter_is_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("openai", reason="pip install 'mentalft[openai]'")
    check_inputs(composed(*SERVER))
    said = " ".join(capsys.readouterr().out.split())
    assert "eval.openai.tuned_model=b; the adapter that this run trains is not asked" in said
    check_inputs(composed(*SERVER, "stages=[prepare,evaluate]"))
    assert "warning" not in capsys.readouterr().out
