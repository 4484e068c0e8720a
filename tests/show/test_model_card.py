"""The adapter's README: a model card that the hub's own library reads, true to the run, and fit to be published."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from mentalft.files import MARKED as FOLDER
from mentalft.files import read_json, write_json
from mentalft.runs.markers import why_not_done
from mentalft.show.model_card import model_card, write_card
from tests.recorded import recorded_run
from tests.test_conf import composed


def read(run_dir: Path) -> tuple[Any, str]:
    card = ModelCard((run_dir / "adapter" / "README.md").read_text(encoding="utf-8"))
    return card.data, card.text


def changed(run_dir: Path, stage: str, section: str, **values: Any) -> None:
    """Give the configuration that ``stage`` recorded other values."""
    path = run_dir / FOLDER / f"{stage}.json"
    marker = read_json(path)
    marker["record"]["config"][section].update(values)
    write_json(path, marker)


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded_run(tmp_path_factory.mktemp("card") / "run")


def test_the_front_matter_is_what_the_hub_expects(run_dir: Path) -> None:
    data, _ = read(run_dir)
    assert (data.base_model, data.library_name) == (None, "peft")
    assert (data.pipeline_tag, data.language, data.license) == ("text-generation", ["zh"], "apache-2.0")
    assert data.datasets is None, "a file of one's own is no data set on the hub"
    results = {result.metric_name: result for result in data.eval_results}
    stored = read_json(run_dir / "metrics.json")["metrics"]
    assert results["ROUGE-1 (0–1)"].metric_value == pytest.approx(stored["rouge1"]["scores"]["tuned"], abs=1e-6)
    assert results["ROUGE-1 (0–1)"].metric_type == "rouge"
    assert (results["length (0–1)"].dataset_name, results["length (0–1)"].dataset_split) == (
        "local, held-out dialogues",
        "test",
    )


def test_the_body_has_settings_cost_comparison_and_limits(run_dir: Path) -> None:
    _, text = read(run_dir)
    for part in (
        "r=8, lora_alpha=32, lora_dropout=0.05, target_modules=q_proj, v_proj", "40; 12,345 tokens", "1.2500",
        "training cost", "peak memory", "licence: Apache-2.0", "4 train, 4 validation, 4 test dialogues",
        "The tuned model is", "| ROUGE-1 (primary) |", "12 answers from 12 dialogues", "not a clinician", "12356", "限制",
        "only 12 dialogues", "None of the items asked is in the training data",
    ):  # fmt: skip
        assert part in text
    assert str(run_dir.parent) not in text, "a path of this machine is nobody's business"


def test_a_demonstration_is_called_one_and_a_real_base_is_not(run_dir: Path, tmp_path: Path) -> None:
    _, text = read(run_dir)
    assert "Do not publish them and do not use them" in text
    assert "embedded in the package" in text
    other = recorded_run(tmp_path / "run")
    changed(other, "train", "model", name_or_path="meta-llama/Llama-3.2-3B-Instruct")
    assert "demonstration" not in model_card(other)


def test_every_metric_is_explained_below_the_table_and_scaled_in_the_index(run_dir: Path) -> None:
    data, text = read(run_dir)
    assert "- length (0–1): nearness of the answer's length" in text
    assert all(result.metric_name.endswith("(0–1)") for result in data.eval_results)


def test_it_says_that_it_is_not_evaluated_when_the_answers_are_another_adapter_s(tmp_path: Path) -> None:
    run_dir = recorded_run(tmp_path / "run")
    (run_dir / "adapter" / "adapter_model.safetensors").write_text("trained anew")
    write_card(run_dir)
    data, text = read(run_dir)
    assert "has not been compared with its base model yet" in text
    assert "| ROUGE-1 |" not in text
    assert data.eval_results is None


def test_rewriting_it_makes_no_stage_run_again(run_dir: Path) -> None:
    made_from = read_json(run_dir / FOLDER / "train.json")["made_from"]
    (run_dir / "adapter" / "README.md").write_text("edited")
    assert why_not_done(run_dir, "train", made_from) is None
    write_card(run_dir)


@pytest.mark.parametrize(
    ("name", "revision", "front", "base", "load"),
    [
        ("meta-llama/Llama-3.2-3B-Instruct", "abc123", "meta-llama/Llama-3.2-3B-Instruct", "meta-llama/Llama-3.2-3B-Instruct",
         'from_pretrained("meta-llama/Llama-3.2-3B-Instruct", revision="abc123")'),
        ("/home/someone/models/my-llama", None, None, "my-llama", 'from_pretrained("FOLDER OF my-llama")'),
        ("embedded", None, None, "mentalft-tiny", "from_pretrained(str(TINY_MODEL))"),
    ],
)  # fmt: skip
def test_the_base_is_named_as_others_can_find_it(
    name: str, revision: str | None, front: str | None, base: str, load: str, tmp_path: Path
) -> None:
    run_dir = recorded_run(tmp_path / "run")
    changed(run_dir, "train", "model", name_or_path=name)
    path = run_dir / FOLDER / "train.json"
    marker = read_json(path)
    marker["record"]["model"]["revision"] = revision
    write_json(path, marker)
    card = ModelCard(model_card(run_dir))
    assert card.data.base_model == front
    assert f"adapter for `{base}`" in card.text
    assert load in card.text
    assert "someone" not in str(card)


@pytest.mark.parametrize(
    ("licence", "front"),
    [
        ("Apache-2.0", {"license": "apache-2.0"}),
        ("not stated", {"license": "unknown"}),
        ("research use; see the page", {"license": "other", "license_name": "research use; see the page"}),
    ],
)
def test_the_data_s_licence_is_stated(licence: str, front: dict[str, str], tmp_path: Path) -> None:
    run_dir = recorded_run(tmp_path / "run")
    report = read_json(run_dir / "data" / "report.json")
    report["sources"][0]["licence"] = licence
    write_json(run_dir / "data" / "report.json", report)
    changed(run_dir, "train", "data", path="hf://someone/dialogues@v1/all.json")
    data = ModelCard(model_card(run_dir)).data.to_dict()
    assert {key: data.get(key) for key in front} == front
    assert data["datasets"] == ["someone/dialogues"]


def test_its_code_loads_the_adapter_and_answers(
    run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from mentalft.assets import TINY_MODEL
    from mentalft.config import ModelConfig
    from mentalft.modeling.adapter import add_adapter, save_adapter
    from mentalft.modeling.base import load_base_model, load_tokenizer
    from mentalft.modeling.locate import LocatedModel
    from mentalft.modeling.precision import plan_precision

    cfg: ModelConfig = composed().model
    located = LocatedModel(TINY_MODEL, "mentalft-tiny", None)
    model = add_adapter(load_base_model(cfg, located, plan_precision("fp32")), composed().lora, "mentalft-tiny")
    save_adapter(model, tmp_path / "adapter", None)
    load_tokenizer(cfg, located).save_pretrained(str(tmp_path / "adapter"))
    found = re.search(r"```python\n(.*?)```", read(run_dir)[1], re.DOTALL)
    assert found
    code = found[1].replace("FOLDER OF THIS FILE", str(tmp_path / "adapter"))
    asked = composed().eval.max_new_tokens
    assert f"max_new_tokens={asked})" in code
    code = code.replace(f"max_new_tokens={asked}", "max_new_tokens=4")
    exec(compile(code, "card", "exec"), {})
    assert capsys.readouterr().out.strip()
